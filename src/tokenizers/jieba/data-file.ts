/**
 * The compact form of jieba's data: its dictionary as a trie in level order and the tables of its hidden Markov model.
 *
 * ```
 * "JIEBA\0"  version byte 1  NUL
 * varints    nodes, total frequency, bytes of each of the five sections below
 * children   per node in level order, the root first: how many children
 * units      per node except the root: code unit, minus that of the sibling before it
 * words      number of distinct frequencies and these, the commonest first; per node except the root: 0 for a mere
 *            prefix, or 1 + index of the word's frequency
 * doubles    4 start and 16 transition logarithms, then every distinct emission logarithm (little endian)
 * emissions  number of units; per unit: its difference to the unit before, then for B, E, M, S: 0 or 1 + index in doubles
 * ```
 * Varints are little endian in groups of seven bits, below 2^31. Model states are in the order of their letters, B E M S.
 * Sections keep like with like, so that the file (2.3 MB) packs to 1.3 MB under gzip.
 */
import { Cursor } from '../../core/cursor.ts';
import type { FormatError } from '../../core/errors.ts';
import { UnitTrie } from '../unit-trie.ts';

/** What the file says, ready for use. */
export interface JiebaData {
  /** All words and their prefixes. */
  readonly trie: UnitTrie;
  /** By trie node: index of the word's frequency in `frequencies`, 0 for a prefix that is no word. */
  readonly words: Int32Array;
  /** The distinct frequencies; the first one is the 0 of mere prefixes. */
  readonly frequencies: number[];
  /** Sum of the frequencies as jieba counts it: a word listed twice counts twice. */
  readonly total: number;
  readonly model: HiddenMarkovModel;
}

/** Log-probabilities of the states B(egin), E(nd), M(iddle), S(ingle) of a character in a word, in this order. */
export interface HiddenMarkovModel {
  /** [4] */
  readonly start: Float64Array;
  /** [from, to]: [4, 4] */
  readonly transition: Float64Array;
  /** By code unit: row in `emissions`; row 0 is of characters that the model does not know. */
  readonly rows: Uint16Array;
  /** [rows, 4] */
  readonly emissions: Float64Array;
}

const ORIGIN = { file: 'jieba.bin', what: 'jieba data' };

/** First bytes of the file; the seventh is the version of the layout. */
export const jiebaMagic: readonly number[] = [0x4a, 0x49, 0x45, 0x42, 0x41, 0, 1, 0];
/** The logarithm that jieba gives to what its model has not seen. */
const unseen = -3.14e100;
/** A dictionary is refused beyond this many prefixes (jieba's own has 498,113), so that a bad file can't take all memory. */
const mostNodes = 1 << 24;

/**
 * Reads the compact file.
 *
 * @throws {@link FormatError} when the bytes are something else, cut short, or contradict themselves.
 */
export function parseJiebaData(bytes: Uint8Array): JiebaData {
  const file = new Cursor(bytes, ORIGIN);
  if (jiebaMagic.some((byte, at) => bytes[at] !== byte)) throw broken(file, 'another kind of file or version');
  file.seek(jiebaMagic.length);
  const nodeCount = file.varint();
  const total = file.varint();
  const sizes = Array.from({ length: 5 }, () => file.varint());
  if (nodeCount < 1 || nodeCount > Math.min(mostNodes, bytes.length)) throw broken(file, `${nodeCount} nodes`);
  const sections = sizes.map(size => file.bytes(size));
  if (file.remaining > 0) throw broken(file, `${file.remaining} bytes after the last section`);
  const [children, units, words, doubles, emissions] = sections.map(section => new Cursor(section, ORIGIN)) as Sections;
  return { ...readTrie(nodeCount, { children, units, words }), total, model: readModel(doubles, emissions) };
}

type Sections = [children: Cursor, units: Cursor, words: Cursor, doubles: Cursor, emissions: Cursor];

function readTrie(nodeCount: number, sections: Readonly<Record<'children' | 'units' | 'words', Cursor>>) {
  const { children, units, words } = sections;
  const trie = new UnitTrie(nodeCount);
  const frequencies = [0];
  for (let left = words.varint(); left > 0; left--) {
    const frequency = words.varint();
    if (frequency === 0) throw broken(words, 'a word of frequency 0');
    frequencies.push(frequency);
  }
  const wordOf = new Int32Array(nodeCount);
  for (let parent = 0; parent < trie.nodeCount; parent++) {
    let unit = 0;
    const count = children.varint();
    for (let child = 0; child < count; child++) {
      if (trie.nodeCount === nodeCount) throw broken(children, `more than the ${nodeCount} nodes announced`);
      const step = units.varint();
      unit += step;
      if (unit > 0xffff || (step === 0 && child > 0)) throw broken(units, 'code units out of order');
      const word = words.varint();
      if (word >= frequencies.length) throw broken(words, `frequency ${word} of ${frequencies.length}`);
      wordOf[trie.append(parent, unit)] = word;
    }
  }
  if (trie.nodeCount !== nodeCount) throw broken(children, `${trie.nodeCount} nodes of ${nodeCount}`);
  return { trie, words: wordOf, frequencies };
}

function readModel(doubles: Cursor, emissions: Cursor): HiddenMarkovModel {
  const values = Float64Array.from({ length: doubles.remaining >> 3 }, () => doubles.f64());
  if (values.length < 20) throw broken(doubles, 'too few numbers for the model');
  const logarithms = values.subarray(20);
  const unitCount = emissions.varint();
  if (unitCount > 0xffff) throw broken(emissions, `${unitCount} code units in the model`);
  const rows = new Uint16Array(1 << 16);
  const table = new Float64Array((unitCount + 1) * 4).fill(unseen);
  let unit = 0;
  for (let row = 1; row <= unitCount; row++) {
    unit += emissions.varint();
    if (unit > 0xffff) throw broken(emissions, 'code units out of order');
    rows[unit] = row;
    for (let state = 0; state < 4; state++) {
      const index = emissions.varint();
      if (index > logarithms.length) throw broken(emissions, `number ${index} of ${logarithms.length}`);
      if (index > 0) table[row * 4 + state] = logarithms[index - 1] as number;
    }
  }
  return { start: values.slice(0, 4), transition: values.slice(4, 20), rows, emissions: table };
}

function broken(place: Cursor, found: string): FormatError {
  return place.error({ expected: 'the jieba.bin of this version', found });
}
