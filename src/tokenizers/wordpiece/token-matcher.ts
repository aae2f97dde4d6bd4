/**
 * The tokens of a vocabulary as a trie over code units, so that the longest one at a place of a text is found in one pass,
 * without making substrings.
 */
import { UnitTrie } from '../unit-trie.ts';

/** Looks tokens up; answers are positions in the list of tokens, -1 for none. */
export interface TokenMatcher {
  /** Position of a whole token. */
  positionOf(token: string): number;
  /** Position of the token that is this one code unit: of nearly every character of Chinese text. */
  positionOfUnit(unit: number): number;
  /** Longest token that begins a word, between `from` and `to` of `text`. */
  longestStart(text: string, from: number, to: number): number;
  /** Longest token that goes on with a word (`##…`), between `from` and `to` of `text`. */
  longestContinuation(text: string, from: number, to: number): number;
  /** Code units that the token covers in a text, its `##` not counted. */
  unitsOf(position: number, isContinuation: boolean): number;
}

/** Prepares a list of tokens, each there once. */
export function createTokenMatcher(tokens: readonly string[]): TokenMatcher {
  const trie = new UnitTrie(tokens.length * 2);
  const nodes = tokens.map(token => trie.insert(token));
  const positionAt = new Int32Array(trie.nodeCount).fill(-1);
  const positionAtUnit = new Int32Array(0x10000).fill(-1);
  const units = new Int32Array(tokens.length);
  for (const [position, token] of tokens.entries()) {
    positionAt[nodes[position] as number] = position;
    if (token.length === 1) positionAtUnit[token.charCodeAt(0)] = position;
    units[position] = token.length;
  }
  const continuation = trie.find('##');
  const emptyPosition = tokens.indexOf('');

  const longest = (text: string, from: number, to: number, root: number): number => {
    let node = root;
    let best = -1;
    for (let at = from; at < to; at++) {
      node = trie.child(node, text.charCodeAt(at));
      if (node === 0) break;
      const position = positionAt[node] as number;
      if (position >= 0) best = position;
    }
    return best;
  };

  return {
    positionOf: token => {
      const node = trie.find(token);
      return node === 0 ? (token === '' ? emptyPosition : -1) : (positionAt[node] as number);
    },
    positionOfUnit: unit => positionAtUnit[unit] as number,
    longestStart: (text, from, to) => longest(text, from, to, 0),
    longestContinuation: (text, from, to) => (continuation === 0 ? -1 : longest(text, from, to, continuation)),
    unitsOf: (position, isContinuation) => (units[position] as number) - (isContinuation ? 2 : 0),
  };
}
