/**
 * jieba's prefix dictionary (`FREQ` and `total`) and the cheapest way through a sentence: what `Tokenizer.get_DAG` and
 * `Tokenizer.calc` do, here in one pass from the right. Reference: fxsjy/jieba 0.42.1, jieba/__init__.py.
 */
import type { UnitTrie } from '../unit-trie.ts';
import type { JiebaData } from './data-file.ts';
import { exactLog } from './exact-log.ts';

/** Words with their frequencies, open to new ones. */
export class Dictionary {
  readonly #trie: UnitTrie;
  /** By trie node: index into `#frequencies`, 0 for a prefix that is no word. */
  #words: Int32Array;
  readonly #frequencies: number[];
  readonly #indexOf: Map<number, number>;
  /** Beside `#frequencies`: their logarithms, NaN until needed, as few of 5,087 occur in a text. */
  readonly #logarithms: number[];
  #total: number;
  #logTotal: number;
  /** Scratch of {@link route}: by place, the best score from there to the end. */
  #scores = new Float64Array(256);

  constructor(data: JiebaData) {
    this.#trie = data.trie;
    this.#words = data.words;
    this.#frequencies = data.frequencies;
    this.#indexOf = new Map(data.frequencies.map((frequency, index) => [frequency, index]));
    this.#logarithms = data.frequencies.map(() => Number.NaN);
    this.#total = data.total;
    this.#logTotal = exactLog(Math.max(data.total, 1));
  }

  /** Sum of all frequencies. */
  get total(): number {
    return this.#total;
  }

  /** Frequency of a word, 0 of a mere prefix, undefined of anything else. */
  frequencyOf(word: string): number | undefined {
    const node = this.#trie.find(word);
    return node === 0 ? undefined : this.#frequencies[this.#words[node] as number];
  }

  /** Sets a word's frequency; the total grows by it even where the word was known, as in jieba. */
  set(word: string, frequency: number): void {
    const node = this.#trie.insert(word);
    if (this.#trie.nodeCount > this.#words.length) {
      const larger = new Int32Array(this.#trie.nodeCount * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    let index = this.#indexOf.get(frequency);
    if (index === undefined) {
      index = this.#frequencies.push(frequency) - 1;
      this.#indexOf.set(frequency, index);
      this.#logarithms.push(Number.NaN);
    }
    this.#words[node] = index;
    this.#total += frequency;
    this.#logTotal = exactLog(Math.max(this.#total, 1));
  }

  /**
   * Writes into `ends`, for each place of `text` from `start` to `end` (code units), where the best word that begins
   * there ends. A word costs log(frequency) - log(total); of equal ways the longer word wins.
   */
  route(text: string, start: number, end: number, ends: Int32Array): void {
    if (this.#scores.length <= end - start) this.#scores = new Float64Array((end - start) * 2);
    const scores = this.#scores;
    const words = this.#words;
    scores[end - start] = 0;
    for (let at = end - 1; at >= start; at--) {
      let best = Number.NEGATIVE_INFINITY;
      let bestEnd = at + 1;
      let node = 0;
      for (let stop = at; stop < end; ) {
        node = this.#trie.child(node, text.charCodeAt(stop));
        if (node === 0) break;
        stop += 1;
        const word = words[node] as number;
        if (word === 0) continue;
        const score = this.#logarithm(word) - this.#logTotal + (scores[stop - start] as number);
        if (score >= best) {
          best = score;
          bestEnd = stop;
        }
      }
      if (best === Number.NEGATIVE_INFINITY) best = -this.#logTotal + (scores[at + 1 - start] as number);
      scores[at - start] = best;
      ends[at - start] = bestEnd;
    }
  }

  /** Every place up to `end` where a word ends that begins at `at`, in rising order; without one, the next place. */
  wordEnds(text: string, at: number, end: number): number[] {
    const ends: number[] = [];
    let node = 0;
    for (let stop = at; stop < end; ) {
      node = this.#trie.child(node, text.charCodeAt(stop));
      if (node === 0) break;
      stop += 1;
      if (this.#words[node] !== 0) ends.push(stop);
    }
    return ends.length === 0 ? [at + 1] : ends;
  }

  #logarithm(index: number): number {
    const known = this.#logarithms[index] as number;
    if (!Number.isNaN(known)) return known;
    const computed = exactLog(this.#frequencies[index] as number);
    this.#logarithms[index] = computed;
    return computed;
  }
}
