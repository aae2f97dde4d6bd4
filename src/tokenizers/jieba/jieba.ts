/**
 * jieba: cuts Chinese text into words, exactly as fxsjy/jieba 0.42.1 does in precise mode (with and without its hidden
 * Markov model) and in full mode. Joining the words of {@link Jieba.cut} gives the text again.
 *
 * Text is split into blocks of Han characters (U+4E00 to U+9FD5), ASCII letters, digits and `+#&._%-`; these are cut,
 * everything else is single characters (code points, or \r\n, or one half of a broken surrogate pair).
 */
import { parseJiebaData } from './data-file.ts';
import { Dictionary } from './dictionary.ts';
import { cutAll } from './full-mode.ts';
import { cut, type Segmenter } from './precise-mode.ts';
import { addDictionary, addWord, suggestFrequency } from './user-words.ts';

/** Options of {@link Jieba.cut}. */
export interface CutOptions {
  /** Whether to look for words that the dictionary doesn't have; jieba's `HMM`. True unless given. */
  readonly hmm?: boolean;
}

/** A dictionary and the ways to cut text by it. */
export interface Jieba {
  /** Words of the text in precise mode: jieba's `cut(text, HMM=hmm)`. */
  cut(text: string, options?: CutOptions): string[];
  /** Every dictionary word in the text, overlapping: jieba's `cut(text, cut_all=True)`, which also yields ''. */
  cutAll(text: string): string[];
  /** Adds a word, or changes its frequency; by default one high enough for the word to be cut out. */
  addWord(word: string, frequency?: number): void;
  /** Adds the lines of a user dictionary: a word, optionally a blank and a frequency, optionally a blank and a tag. */
  addDictionary(text: string): void;
  /** Makes a word one that is never cut out: jieba's `del_word`. */
  deleteWord(word: string): void;
  /** The frequency at which a word is cut out, or, given its parts, at which it falls into these. */
  suggestFrequency(word: string | readonly string[]): number;
}

/**
 * @param bytes - the compact data file: `jieba.bin`, or what `encodeJiebaData` makes.
 * @throws {@link FormatError} when the bytes are something else.
 * @example
 * const jieba = createJieba(await readFile(jiebaDataUrl));
 * jieba.cut('我来到北京清华大学'); // ['我', '来到', '北京', '清华大学']
 */
export function createJieba(bytes: Uint8Array): Jieba {
  const data = parseJiebaData(bytes);
  const segmenter: Segmenter = {
    dictionary: new Dictionary(data),
    model: data.model,
    deleted: new Set(),
    ends: new Int32Array(256),
  };
  return {
    cut: (text, options) => cut(segmenter, text, options?.hmm ?? true),
    cutAll: text => cutAll(segmenter.dictionary, text),
    addWord: (word, frequency) => addWord(segmenter, word, frequency),
    addDictionary: text => addDictionary(segmenter, text),
    deleteWord: word => addWord(segmenter, word, 0),
    suggestFrequency: word => suggestFrequency(segmenter, word),
  };
}
