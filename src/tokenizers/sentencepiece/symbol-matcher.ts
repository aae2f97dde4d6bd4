/**
 * User-defined symbols: neither normalised nor cut wherever they occur, the longest first. SentencePiece's PrefixMatcher.
 */
import { UnitTrie } from '../unit-trie.ts';

/** A set of symbols. */
export class SymbolMatcher {
  readonly #trie = new UnitTrie();
  readonly #nodes = new Set<number>();

  constructor(symbols: readonly string[]) {
    for (const symbol of symbols) this.#nodes.add(this.#trie.insert(symbol));
  }

  /** Length in code units of the longest symbol at `at`, 0 when there is none. */
  match(text: { charCodeAt(at: number): number; readonly length: number }, at: number): number {
    let longest = 0;
    let node = 0;
    for (let stop = at; stop < text.length; ) {
      node = this.#trie.child(node, text.charCodeAt(stop));
      if (node === 0) break;
      stop += 1;
      if (this.#nodes.has(node)) longest = stop - at;
    }
    return longest;
  }
}
