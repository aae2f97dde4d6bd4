/**
 * Byte pair encoding as SentencePiece does it: beginning with characters, the neighbours whose joined text is the piece of
 * the highest score are joined, the leftmost of equals, until none are left. User-defined symbols are never joined.
 * Reference: `Model::SampleEncode` with alpha 0,
 * https://github.com/google/sentencepiece/blob/d8711f55d9b2cb9c77a00adcc18108482b29b675/src/bpe_model.cc
 */
import { UnitTrie } from '../unit-trie.ts';
import { isInText } from './model-file.ts';
import type { Segmentation, Segmenter, Vocabulary } from './segmenter.ts';
import type { SymbolMatcher } from './symbol-matcher.ts';
import type { TextBuffer } from './text-buffer.ts';

/** Neighbouring parts that may be joined. */
interface Pair {
  readonly left: number;
  readonly right: number;
  readonly score: number;
  /** Trie node of the joined text. */
  readonly node: number;
  /** Code units of the joined text: when the parts' lengths no longer add up to it, one has been joined otherwise. */
  readonly length: number;
}

/** Parts of one text, numbered from its left; a part joined to its left neighbour has length 0. */
interface Parts {
  readonly text: TextBuffer;
  readonly starts: number[];
  readonly lengths: number[];
  /** Trie nodes, 0 for a part that begins no piece. */
  readonly nodes: number[];
  readonly isSymbol: boolean[];
  readonly previous: number[];
  readonly next: number[];
  readonly agenda: PairHeap;
}

/** Cuts by byte pair encoding. */
export class Bpe implements Segmenter {
  readonly #vocabulary: Vocabulary;
  readonly #symbols: SymbolMatcher | undefined;
  readonly #trie = new UnitTrie();
  /** By trie node: id of the piece that ends there, -1 where none does. */
  readonly #idOfNode: Int32Array;

  constructor(vocabulary: Vocabulary, symbols: SymbolMatcher | undefined) {
    const { pieces } = vocabulary;
    this.#vocabulary = vocabulary;
    this.#symbols = symbols;
    const nodes = pieces.map(({ text, kind }) => (isInText(kind) ? this.#trie.insert(text) : 0));
    this.#idOfNode = new Int32Array(this.#trie.nodeCount).fill(-1);
    for (const [id, node] of nodes.entries()) if (node > 0) this.#idOfNode[node] = id;
  }

  segment(text: TextBuffer): Segmentation {
    const parts = this.#characters(text);
    /** Joined texts that are pieces not to be used, with the place where they can be taken apart again. */
    const seams = new Map<number, number>();
    for (let right = 1; right < parts.starts.length; right++) this.#offer(parts, right - 1, right, seams);
    for (let pair = parts.agenda.pop(); pair !== undefined; pair = parts.agenda.pop()) {
      const { left, right } = pair;
      const [ofLeft, ofRight] = [parts.lengths[left] as number, parts.lengths[right] as number];
      if (ofLeft === 0 || ofRight === 0 || ofLeft + ofRight !== pair.length) continue;
      this.#join(parts, pair);
      this.#offer(parts, parts.previous[left] as number, left, seams);
      this.#offer(parts, left, parts.next[left] as number, seams);
    }
    return this.#collect(parts, seams);
  }

  #characters(text: TextBuffer): Parts {
    const parts: Parts = {
      text,
      starts: [],
      lengths: [],
      nodes: [],
      isSymbol: [],
      previous: [],
      next: [],
      agenda: new PairHeap(),
    };
    for (let at = 0; at < text.length; ) {
      const symbol = this.#symbols?.match(text, at) ?? 0;
      const isPair = ((text.units[at] as number) & 0xfc00) === 0xd800 && at + 1 < text.length;
      const length = symbol || (isPair ? 2 : 1);
      const index = parts.starts.push(at) - 1;
      parts.lengths.push(length);
      parts.nodes.push(this.#walk(0, text, at, at + length, true));
      parts.isSymbol.push(symbol > 0);
      parts.previous.push(index - 1);
      at += length;
      parts.next.push(at < text.length ? index + 1 : -1);
    }
    return parts;
  }

  /** The node reached from `node` by the text; 0 when there is none, as also from the root unless `fromRoot`. */
  #walk(node: number, text: TextBuffer, start: number, end: number, fromRoot = false): number {
    let reached = node;
    if (reached === 0 && !fromRoot) return 0;
    for (let at = start; at < end; at++) {
      reached = this.#trie.child(reached, text.units[at] as number);
      if (reached === 0) return 0;
    }
    return reached;
  }

  #offer(parts: Parts, left: number, right: number, seams: Map<number, number>): void {
    if (left < 0 || right < 0 || parts.isSymbol[left] || parts.isSymbol[right]) return;
    const start = parts.starts[right] as number;
    const ofRight = parts.lengths[right] as number;
    const node = this.#walk(parts.nodes[left] as number, parts.text, start, start + ofRight);
    const id = node === 0 ? -1 : (this.#idOfNode[node] as number);
    const piece = this.#vocabulary.pieces[id];
    if (piece === undefined) return;
    const ofLeft = parts.lengths[left] as number;
    parts.agenda.push({ left, right, score: piece.score, node, length: ofLeft + ofRight });
    if (piece.kind === 'unused') seams.set(node, ofLeft);
  }

  #join(parts: Parts, { left, right, node, length }: Pair): void {
    parts.lengths[left] = length;
    parts.lengths[right] = 0;
    parts.nodes[left] = node;
    const after = parts.next[right] as number;
    parts.next[left] = after;
    if (after >= 0) parts.previous[after] = left;
  }

  #collect(parts: Parts, seams: ReadonlyMap<number, number>): Segmentation {
    const ids: number[] = [];
    const ends: number[] = [];
    for (let part = parts.starts.length > 0 ? 0 : -1; part >= 0; part = parts.next[part] as number) {
      const start = parts.starts[part] as number;
      this.#addUsable(parts.text, [start, start + (parts.lengths[part] as number)], seams, { ids, ends });
    }
    return { ids, ends };
  }

  /** Adds a part, or, where its piece is not to be used, the parts that it was joined from. */
  #addUsable(text: TextBuffer, part: [number, number], seams: ReadonlyMap<number, number>, out: Segmentation): void {
    const waiting = [part];
    for (let span = waiting.pop(); span !== undefined; span = waiting.pop()) {
      const [start, end] = span;
      const id = this.#vocabulary.pieceToId(text.slice(start, end));
      const isUnused = this.#vocabulary.pieces[id]?.kind === 'unused';
      const seam = isUnused ? seams.get(this.#walk(0, text, start, end, true)) : undefined;
      if (seam === undefined) {
        out.ids.push(id);
        out.ends.push(end);
      } else {
        waiting.push([start + seam, end], [start, start + seam]);
      }
    }
  }
}

/** A binary heap of pairs: highest score first, then leftmost. */
class PairHeap {
  readonly #pairs: Pair[] = [];

  push(pair: Pair): void {
    const pairs = this.#pairs;
    let at = pairs.push(pair) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = pairs[parent] as Pair;
      if (!isBefore(pair, above)) break;
      pairs[at] = above;
      at = parent;
    }
    pairs[at] = pair;
  }

  pop(): Pair | undefined {
    const pairs = this.#pairs;
    const top = pairs[0];
    const last = pairs.pop();
    if (last === undefined || pairs.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= pairs.length) break;
      if (child + 1 < pairs.length && isBefore(pairs[child + 1] as Pair, pairs[child] as Pair)) child += 1;
      if (!isBefore(pairs[child] as Pair, last)) break;
      pairs[at] = pairs[child] as Pair;
      at = child;
    }
    pairs[at] = last;
    return top;
  }
}

function isBefore(a: Pair, b: Pair): boolean {
  return a.score > b.score || (a.score === b.score && a.left < b.left);
}
