/**
 * Text → tokens by bert4keras' rules, as positions in the vocabulary: words by the classes of characters, then greedy
 * longest match within a word. A hostile word costs no more than its length times the longest token.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { ALONE, classOf, DROPPED, LETTER, ROLE } from '../text/character-class.ts';
import { codePointLength } from '../text/python-string.ts';
import { createTokenMatcher, type TokenMatcher } from './token-matcher.ts';

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
  const matcher = createTokenMatcher(tokens);

  /** The word between two places of `text`, whole where the vocabulary cannot make it up. */
  const cutWord = (text: string, from: number, to: number, into: Pieces): void => {
    const { positions } = into;
    const before = positions.length;
    let position = isTooLong(text, from, to, wordMaxLen) ? -1 : matcher.longestStart(text, from, to);
    let at = from;
    while (position >= 0) {
      positions.push(position);
      at += matcher.unitsOf(position, at > from);
      if (at === to) return;
      position = matcher.longestContinuation(text, at, to);
    }
    positions.length = before;
    addWhole(matcher, text.slice(from, to), into);
  };

  const cut = (text: string, into: Pieces): void => {
    let start = -1; // of the word being read
    let next = 0;
    for (let at = 0; at < text.length; at = next) {
      let codePoint = text.charCodeAt(at);
      if ((codePoint & 0xfc00) === 0xd800) codePoint = text.codePointAt(at) as number;
      next = codePoint > 0xffff ? at + 2 : at + 1;
      const role = classOf(codePoint) & ROLE;
      if (role === LETTER) {
        if (start < 0) start = at;
        continue;
      }
      if (role === DROPPED) {
        cut(withoutDropped(text.slice(start < 0 ? at : start)), into);
        return;
      }
      if (start >= 0) cutWord(text, start, at, into);
      start = -1;
      if (role !== ALONE) continue;
      const position = codePoint > 0xffff ? -1 : matcher.positionOfUnit(codePoint);
      if (position >= 0) into.positions.push(position);
      else cutWord(text, at, next, into);
    }
    if (start >= 0) cutWord(text, start, text.length, into);
  };

  return { cut, positionOf: matcher.positionOf };
}

function addWhole(matcher: TokenMatcher, word: string, into: Pieces): void {
  const position = matcher.positionOf(word);
  into.positions.push(position >= 0 ? position : ~(into.unknown.push(word) - 1));
}

/** Dropped characters join what stands beside them, so a text that has any is cut without them. */
function withoutDropped(text: string): string {
  let out = '';
  for (const character of text) if ((classOf(character.codePointAt(0) ?? 0) & ROLE) !== DROPPED) out += character;
  return out;
}

function isTooLong(text: string, from: number, to: number, wordMaxLen: number): boolean {
  return to - from > wordMaxLen && codePointLength(text.slice(from, to)) > wordMaxLen;
}
