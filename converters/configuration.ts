/**
 * The file that describes a model beside its checkpoint: `bert_config.json`, or the Python pickle `model.config` of the
 * cloze reader, which holds sizes, words and word vectors. Its content decides which it is.
 */
import type { JsonObject } from '../onnx-graphs/architecture.ts';
import { ConfigError, FormatError } from '../src/core/errors.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import { parseConfigFile } from './config-file.ts';
import { WORD_VECTORS } from './naming/cloze-bilstm.ts';
import { type NdArray, type PickleKey, type PickleValue, readPickle, textOf } from './pickle/index.ts';
import type { VocabularySource } from './tokenizer-files.ts';

/** What a configuration file says. */
export interface Configuration {
  readonly config: JsonObject;
  /** Tensors that the file holds besides; they join the checkpoint's. */
  readonly tensors: readonly CheckpointTensor[];
  /** The vocabulary, where the file holds it. */
  readonly tokenizer?: VocabularySource;
  /** Name under which a model directory keeps the user's own copy; absent where everything in it is kept otherwise. */
  readonly keepAs?: string;
}

/**
 * Reads a configuration file; `file` is its name in errors.
 * @throws FormatError when it is neither a JSON object nor such a pickle, or its parts disagree.
 */
export function readConfiguration(bytes: Uint8Array, file?: string): Configuration {
  const start = bytes.subarray(startsWithMark(bytes) ? 3 : 0).find(byte => byte > 0x20);
  if (start === 0x7b) return { config: parseConfigFile(bytes, file), tensors: [], keepAs: 'bert_config.json' };
  // The opcodes that open a list: protocol 0 and 1, then the marker of all later protocols.
  const isPickle = start !== undefined && [0x28, 0x5d, 0x80].includes(start) && !looksLikeJson(bytes);
  return isPickle
    ? readWordConfiguration(bytes, file ?? 'model.config')
    : { config: parseConfigFile(bytes, file), tensors: [] };
}

/** Keywords that still mean something beside a file that says everything: which model, and the converter's own. */
const OWN_KEYWORDS: ReadonlySet<string> = new Set(['model', 'prefix', 'ignore_invalid_weights']);

/**
 * Refuses whatever would say again, or otherwise, what a file with sizes, words and vectors says.
 * @throws ConfigError listing everything that does not apply.
 */
export function requireNothingElse({
  keywords,
  tokenizer,
}: {
  readonly keywords: JsonObject;
  readonly tokenizer?: object;
}) {
  const others = Object.keys(keywords).filter(key => !OWN_KEYWORDS.has(key));
  const found = [...others, ...(tokenizer === undefined ? [] : ['a vocabulary'])];
  if (found.length === 0) return;
  const expected = 'none of the keywords and vocabularies of transformers: the file has its own sizes and words';
  throw new ConfigError({ what: 'options beside model.config', expected, found: found.join(', ') });
}

/** A checkpoint with the configuration's tensors among its own. */
export function withTensors(checkpoint: Checkpoint, tensors: readonly CheckpointTensor[]): Checkpoint {
  if (tensors.length === 0) return checkpoint;
  return { ...checkpoint, tensors: new Map([...checkpoint.tensors, ...tensors.map(one => [one.name, one] as const)]) };
}

/** Whether a byte order mark in UTF-8 comes first, as some editors put it there. */
function startsWithMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** `]` alone would be JSON's end of a list, never its beginning; `(` and 0x80 begin no JSON at all. */
function looksLikeJson(bytes: Uint8Array): boolean {
  return bytes[0] === 0x5b;
}

/** `[id2word, word2id, embedding_array]`: ids run from 1 in `id2word`, and row i of the array belongs to id i + 1. */
function readWordConfiguration(bytes: Uint8Array, file: string): Configuration {
  const value = readPickle(bytes, file);
  const [idToWord, wordToId, vectors] = Array.isArray(value) ? value : [];
  if (!(idToWord instanceof Map) || !(wordToId instanceof Map) || !isArray(vectors)) {
    const expected = 'a list of two dicts and an array: id2word, word2id, embedding_array';
    throw new FormatError({ file, what: 'cloze configuration', expected, found: 'something else' });
  }
  const words = wordsOf(idToWord, wordToId, file);
  const [rows = 0, embeddingSize = 0] = vectors.shape;
  if (vectors.shape.length !== 2 || rows !== words.length || vectors.fortranOrder) {
    const expected = `[${words.length}, size] in row-major order, a row for each word`;
    throw new FormatError({ file, what: 'embedding_array', expected, found: `[${vectors.shape.join(', ')}]` });
  }
  const { dtype, shape, data } = vectors;
  return {
    config: { embedding_size: embeddingSize, vocab_size: rows },
    tensors: [{ name: WORD_VECTORS, dtype, shape, read: async () => data }],
    tokenizer: { kind: 'words', words },
  };
}

function wordsOf(
  idToWord: ReadonlyMap<PickleKey, PickleValue>,
  wordToId: ReadonlyMap<PickleKey, PickleValue>,
  file: string,
): readonly string[] {
  const words = Array.from({ length: idToWord.size }, (_, index) =>
    textOf(idToWord.get(index + 1), file, `id2word[${index + 1}]`),
  );
  const wrong = words.findIndex((word, index) => wordToId.get(word) !== index + 1);
  if (wrong < 0 && wordToId.size === words.length) return words;
  const expected = wrong < 0 ? `${words.length} words` : `${wrong + 1} for ${JSON.stringify(words[wrong])}`;
  const found = wrong < 0 ? `${wordToId.size}` : String(wordToId.get(words[wrong] ?? ''));
  throw new FormatError({ file, what: 'word2id', expected, found });
}

function isArray(value: PickleValue | undefined): value is NdArray {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'ndarray';
}
