/**
 * Makes the compact file of `data-file.ts` from jieba's own files (`jieba/dict.txt` and `jieba/finalseg/prob_*.py`), or
 * from any dictionary of the same form.
 */
import { FormatError } from '../../core/errors.ts';
import { UnitTrie } from '../unit-trie.ts';
import { jiebaMagic } from './data-file.ts';

/** State letter → its log-probability. */
export type StateTable = Readonly<Record<string, number>>;

/** jieba's data as it publishes it. */
export interface JiebaSource {
  /** Text of `dict.txt`: a line is word, blank, frequency, and optionally blank and tag. */
  readonly dictionary: string;
  /** `prob_start`: log-probability of each state at the beginning. */
  readonly start: StateTable;
  /** `prob_trans`: by state, log-probability of each next one. */
  readonly transition: Readonly<Record<string, StateTable>>;
  /** `prob_emit`: by state, log-probability of each character. */
  readonly emission: Readonly<Record<string, StateTable>>;
}

const states = ['B', 'E', 'M', 'S'] as const;
/** What `prob_start` and `prob_trans` hold, or leave out, for the impossible. */
const impossible = -3.14e100;

/**
 * The compact file's bytes.
 *
 * @throws {@link FormatError} for a dictionary line that is not a word and a frequency below 2^31.
 * @example
 * const jieba = createJieba(encodeJiebaData({ dictionary: '北京 34488 ns\n大学 20025 n', start, transition, emission }));
 */
export function encodeJiebaData(source: JiebaSource): Uint8Array {
  const { trie, frequencies, total } = readDictionary(source.dictionary);
  const sections = [...encodeTrie(trie, frequencies), ...encodeModel(source)];
  const head = new ByteWriter();
  for (const byte of jiebaMagic) head.byte(byte);
  for (const value of [trie.nodeCount, total, ...sections.map(section => section.length)]) head.varint(value);
  const whole = [head.bytes(), ...sections];
  const file = new Uint8Array(whole.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of whole) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** A Python file of jieba that assigns one dictionary, `P={'B': {'一': -3.6, …}}`, as an object. */
export function parseProbabilities(python: string): unknown {
  return JSON.parse(python.slice(python.indexOf('{')).replaceAll("'", '"'));
}

function readDictionary(text: string) {
  const trie = new UnitTrie(1 << 19);
  const frequencies: number[] = [];
  let total = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [word = '', frequency = ''] = line.trim().split(' ');
    if (!/^\d{1,10}$/.test(frequency)) throw badLine(index, line);
    frequencies[trie.insert(word)] = Number(frequency);
    total += Number(frequency);
  }
  return { trie, frequencies, total };
}

function encodeTrie(trie: UnitTrie, frequencies: readonly number[]): Uint8Array[] {
  const children = new ByteWriter();
  const units = new ByteWriter();
  const words = new ByteWriter();
  const indexOf = writeFrequencies(frequencies, words);
  const below = childrenOf(trie);
  let level = [0];
  while (level.length > 0) {
    for (const node of level) {
      const nodes = below.get(node) ?? [];
      children.varint(nodes.length);
      let previous = 0;
      for (const child of nodes) {
        units.varint(trie.unitOf(child) - previous);
        previous = trie.unitOf(child);
        words.varint(indexOf.get(frequencies[child] ?? 0) ?? 0);
      }
    }
    level = level.flatMap(node => below.get(node) ?? []);
  }
  return [children.bytes(), units.bytes(), words.bytes()];
}

/** Writes the distinct frequencies, the commonest first so that most indices take one byte; returns them by frequency. */
function writeFrequencies(frequencies: readonly number[], words: ByteWriter): Map<number, number> {
  const counts = new Map<number, number>();
  for (const frequency of frequencies) {
    if (frequency > 0) counts.set(frequency, (counts.get(frequency) ?? 0) + 1);
  }
  const distinct = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([frequency]) => frequency);
  words.varint(distinct.length);
  for (const frequency of distinct) words.varint(frequency);
  return new Map(distinct.map((frequency, index) => [frequency, index + 1]));
}

/** By node with children: these in the order of their units. */
function childrenOf(trie: UnitTrie): Map<number, number[]> {
  const below = new Map<number, number[]>();
  for (let node = 1; node < trie.nodeCount; node++) {
    const siblings = below.get(trie.parentOf(node));
    if (siblings === undefined) below.set(trie.parentOf(node), [node]);
    else siblings.push(node);
  }
  for (const siblings of below.values()) siblings.sort((a, b) => trie.unitOf(a) - trie.unitOf(b));
  return below;
}

function encodeModel({ start, transition, emission }: JiebaSource): Uint8Array[] {
  const doubles = new ByteWriter();
  for (const state of states) doubles.float64(start[state] ?? impossible);
  for (const from of states) for (const to of states) doubles.float64(transition[from]?.[to] ?? impossible);
  const distinct = [...new Set(states.flatMap(state => Object.values(emission[state] ?? {})))].sort((a, b) => a - b);
  const indexOf = new Map(distinct.map((value, index) => [value, index + 1]));
  for (const value of distinct) doubles.float64(value);

  const characters = new Set(states.flatMap(state => Object.keys(emission[state] ?? {})));
  const units = [...characters].map(character => character.charCodeAt(0)).sort((a, b) => a - b);
  const rows = new ByteWriter();
  rows.varint(units.length);
  for (const [index, unit] of units.entries()) {
    rows.varint(unit - (units[index - 1] ?? 0));
    for (const state of states)
      rows.varint(indexOf.get(emission[state]?.[String.fromCharCode(unit)] ?? Number.NaN) ?? 0);
  }
  return [doubles.bytes(), rows.bytes()];
}

class ByteWriter {
  readonly #bytes: number[] = [];

  byte(value: number): void {
    this.#bytes.push(value);
  }

  varint(value: number): void {
    if (!(value >= 0 && value < 2 ** 31)) {
      throw new FormatError({ what: 'jieba dictionary', expected: 'numbers from 0 to 2^31 - 1', found: String(value) });
    }
    let rest = value;
    for (; rest >= 128; rest >>>= 7) this.#bytes.push((rest & 127) | 128);
    this.#bytes.push(rest);
  }

  float64(value: number): void {
    this.#bytes.push(...new Uint8Array(new Float64Array([value]).buffer));
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

function badLine(index: number, line: string): FormatError {
  return new FormatError({
    what: 'jieba dictionary',
    place: `line ${index + 1}`,
    expected: 'word, blank, frequency',
    found: JSON.stringify(line.slice(0, 40)),
  });
}
