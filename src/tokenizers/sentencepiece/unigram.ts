/**
 * The unigram algorithm: the cut whose pieces have the greatest sum of scores. Ties and near-ties are decided by rounding,
 * so numbers are kept as the reference keeps them: the best score up to a place is a float32, a candidate is added to it
 * in double precision and must be strictly greater; starts go left to right, pieces from short to long.
 * Reference: `Model::EncodeOptimized`,
 * https://github.com/google/sentencepiece/blob/d8711f55d9b2cb9c77a00adcc18108482b29b675/src/unigram_model.cc
 */
import { UnitTrie } from '../unit-trie.ts';
import type { Piece } from './model-file.ts';
import type { Segmentation, Segmenter, Vocabulary } from './segmenter.ts';
import type { TextBuffer } from './text-buffer.ts';

/** An unknown character costs this much more than the least likely piece. */
const unknownPenalty = 10;
/** C's FLT_MIN, from where the reference looks for the greatest score. */
const leastPositive = 1.1754943508222875e-38;

/** Cuts by the unigram algorithm. */
export class Unigram implements Segmenter {
  readonly #trie = new UnitTrie();
  /** By trie node: id of the piece that ends there, -1 where none does. */
  readonly #idOfNode: Int32Array;
  /** By id: what a piece adds to the sum. */
  readonly #scores: Float64Array;
  readonly #unkId: number;
  readonly #unknownScore: number;
  /** Scratch, by place in the text: the best sum up to it, the last piece of that way, and where this one starts. */
  #best = new Float32Array(0);
  #lastId = new Int32Array(0);
  #startOfLast = new Int32Array(0);

  constructor({ pieces, unkId }: Vocabulary) {
    const normal = pieces.filter(piece => piece.kind === 'normal').map(piece => piece.score);
    const least = normal.reduce((a, b) => Math.min(a, b), 3.4028234663852886e38);
    const greatest = normal.reduce((a, b) => Math.max(a, b), leastPositive);
    const nodes = pieces.map(({ text, kind }) =>
      kind === 'normal' || kind === 'user-defined' ? this.#trie.insert(text) : 0,
    );
    this.#idOfNode = new Int32Array(this.#trie.nodeCount).fill(-1);
    for (const [id, node] of nodes.entries()) if (node > 0) this.#idOfNode[node] = id;
    this.#scores = Float64Array.from(pieces, piece => scoreOf(piece, greatest));
    this.#unkId = unkId;
    this.#unknownScore = Math.fround(least - unknownPenalty);
  }

  segment(text: TextBuffer): Segmentation {
    this.#reserve(text.length + 1);
    const { units, length } = text;
    for (let start = 0; start < length; ) {
      const characterEnd = start + (isPair(units, start, length) ? 2 : 1);
      if (!this.#addPiecesFrom(start, characterEnd, text)) this.#addUnknown(start, characterEnd);
      start = characterEnd;
    }
    return this.#wayTo(length);
  }

  /** Offers every piece that starts here to the place where it ends; answers whether one is a single character. */
  #addPiecesFrom(start: number, characterEnd: number, { units, length }: TextBuffer): boolean {
    const before = this.#best[start] as number;
    let hasSingle = false;
    let node = 0;
    for (let end = start; end < length; ) {
      node = this.#trie.child(node, units[end] as number);
      if (node === 0) break;
      end += 1;
      const id = this.#idOfNode[node] as number;
      if (id < 0) continue;
      const candidate = (this.#scores[id] as number) + before;
      if ((this.#startOfLast[end] as number) < 0 || candidate > (this.#best[end] as number))
        this.#take(start, end, id, candidate);
      if (end === characterEnd) hasSingle = true;
    }
    return hasSingle;
  }

  #addUnknown(start: number, end: number): void {
    const candidate = Math.fround(this.#unknownScore + (this.#best[start] as number));
    if ((this.#startOfLast[end] as number) < 0 || candidate > (this.#best[end] as number)) {
      this.#take(start, end, this.#unkId, candidate);
    }
  }

  #take(start: number, end: number, id: number, score: number): void {
    this.#best[end] = score;
    this.#startOfLast[end] = start;
    this.#lastId[end] = id;
  }

  #wayTo(length: number): Segmentation {
    const ids: number[] = [];
    const ends: number[] = [];
    for (let end = length; end > 0; end = this.#startOfLast[end] as number) {
      ids.push(this.#lastId[end] as number);
      ends.push(end);
    }
    return { ids: ids.reverse(), ends: ends.reverse() };
  }

  #reserve(places: number): void {
    if (this.#best.length < places) {
      this.#best = new Float32Array(places * 2);
      this.#lastId = new Int32Array(places * 2);
      this.#startOfLast = new Int32Array(places * 2);
    }
    this.#best.fill(0, 0, places);
    this.#startOfLast.fill(-1, 0, places);
  }
}

/** A user-defined piece counts so much that it is always chosen; its length is in bytes, multiplied as float32. */
function scoreOf({ text, score, kind }: Piece, greatest: number): number {
  if (kind !== 'user-defined') return score;
  return Math.fround(new TextEncoder().encode(text).length * greatest) - 0.1;
}

function isPair(units: Uint16Array, at: number, length: number): boolean {
  return ((units[at] as number) & 0xfc00) === 0xd800 && at + 1 < length;
}
