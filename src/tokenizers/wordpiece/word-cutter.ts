/**
 * Text → tokens by bert4keras' rules, as positions in the vocabulary: words by the classes of characters, then greedy
 * longest match within a word. A trie over the vocabulary's code units finds each match in one pass over the text, so no
 * substring is ever made and a hostile word costs no more than its length times the longest token.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { ALONE, classOf, DROPPED, LETTER, ROLE } from '../text/character-class.ts';
import { codePointLength } from '../text/python-string.ts';
import { UnitTrie } from '../unit-trie.ts';

/** Tokens of a text. */
export interface Pieces {
  /** For each token its position in the vocabulary, or `~n` for the n-th of `unknown`. */
  readonly positions: number[];
  /** Words that could not be cut and so stay whole, without a place in the vocabulary. */
  readonly unknown: string[];
}

/** Cuts texts over one vocabulary. */
export interface WordCutter {
  /** Appends the tokens of `text`, which is lower-cased already where it should be. */
  cut(text: string, into: Pieces): void;
  /** Position of a token in the vocabulary, or -1. */
  positionOf(token: string): number;
}

/**
 * Prepares a vocabulary.
 * @param tokens - in any order, each once; results are indices into it.
 * @param wordMaxLen - a word of more code points is not cut.
 */
export function createWordCutter(tokens: readonly string[], wordMaxLen: number): WordCutter {
  const trie = new UnitTrie(tokens.length * 2);
  const nodes = tokens.map(token => trie.insert(token));
  const positionAt = new Int32Array(trie.nodeCount).fill(-1);
  for (const [position, node] of nodes.entries()) positionAt[node] = position;
  const continuation = trie.find('##');
  const emptyPosition = tokens.indexOf('');

  const positionOf = (token: string): number => {
    if (token === '') return emptyPosition;
    const node = trie.find(token);
    return node === 0 ? -1 : (positionAt[node] as number);
  };

  let matched = -1;
  /** End of the longest token that starts at `at` of the word ending at `to`, or -1. Its position is left in `matched`. */
  const matchAt = (text: string, at: number, to: number, root: number): number => {
    let node = root;
    let end = -1;
    for (let ahead = at; ahead < to; ahead++) {
      node = trie.child(node, text.charCodeAt(ahead));
      if (node === 0) break;
      const position = positionAt[node] as number;
      if (position >= 0) {
        matched = position;
        end = ahead + 1;
      }
    }
    return end;
  };

  const cutWord = (text: string, from: number, to: number, into: Pieces): void => {
    const { positions } = into;
    const before = positions.length;
    let at = isTooLong(text, from, to, wordMaxLen) ? -1 : matchAt(text, from, to, 0);
    while (at > 0) {
      positions.push(matched);
      if (at === to) return;
      at = continuation === 0 ? -1 : matchAt(text, at, to, continuation);
    }
    positions.length = before;
    addWhole(text.slice(from, to), into);
  };

  const addWhole = (word: string, into: Pieces): void => {
    const position = positionOf(word);
    into.positions.push(position >= 0 ? position : ~(into.unknown.push(word) - 1));
  };

  return { positionOf, cut: (text, into) => eachWord(text, (source, from, to) => cutWord(source, from, to, into)) };
}

/** Calls `take` with the bounds of each word; a word with a character dropped inside comes as a text of its own. */
function eachWord(text: string, take: (source: string, from: number, to: number) => void): void {
  let start = -1;
  let pending = '';
  let next = 0;
  const endWord = (at: number): void => {
    if (pending !== '') {
      const word = start < 0 ? pending : pending + text.slice(start, at);
      pending = '';
      take(word, 0, word.length);
    } else if (start >= 0) {
      take(text, start, at);
    }
    start = -1;
  };
  for (let at = 0; at < text.length; at = next) {
    let codePoint = text.charCodeAt(at);
    next = at + 1;
    if ((codePoint & 0xfc00) === 0xd800) {
      codePoint = text.codePointAt(at) as number;
      if (codePoint > 0xffff) next++;
    }
    const role = classOf(codePoint) & ROLE;
    if (role === LETTER) {
      if (start < 0) start = at;
      continue;
    }
    if (role === DROPPED) {
      if (start >= 0) pending += text.slice(start, at);
      start = -1;
      continue;
    }
    if (start >= 0 || pending !== '') endWord(at);
    if (role === ALONE) take(text, at, next);
  }
  endWord(text.length);
}

function isTooLong(text: string, from: number, to: number, wordMaxLen: number): boolean {
  return to - from > wordMaxLen && codePointLength(text.slice(from, to)) > wordMaxLen;
}
