/**
 * Reads and writes `bert4ort.json`. Reading is strict: another format version, an unknown or missing field, a wrong type
 * and a file name that leaves the model directory are refused, each with its JSON path.
 */
import type { DType } from './dtype.ts';
import { staysInside } from './file-name.ts';
import {
  boolean,
  child,
  count,
  either,
  json,
  list,
  nullable,
  object,
  oneOf,
  optional,
  parseJson,
  type Reader,
  record,
  string,
  variant,
  wrong,
} from './json-reader.ts';
import {
  type Activations,
  type Application,
  type AttentionRules,
  type Dimensions,
  type FileEntry,
  type GraphEntry,
  type GraphName,
  MANIFEST_FILE,
  MANIFEST_VERSION,
  type Manifest,
  type Origin,
  type Port,
  type TokenizerEntry,
  type WordPieceEntry,
} from './manifest.ts';

/**
 * Parses the text of a manifest.
 * @param file how the user knows the file, for errors.
 * @throws FormatError naming the JSON path, what was expected there and what was found.
 */
export function parseManifest(text: string, file: string = MANIFEST_FILE): Manifest {
  const place = parseJson(text, file);
  const version = child(place, 'formatVersion');
  if (version.value !== MANIFEST_VERSION) {
    throw wrong(version, `${MANIFEST_VERSION} (convert the model again)`);
  }
  return manifest(place);
}

/** The text of a manifest; `parseManifest` gives back an equal one. */
export function formatManifest(value: Manifest): string {
  // Lists of numbers (thousands of kept tokens) go on one line. Inside strings a line break is never literal.
  const lists = /\[\n\s+(-?[\d.eE+-]+(?:,\n\s+-?[\d.eE+-]+)*)\n\s+\]/g;
  const text = JSON.stringify(value, null, 2).replace(lists, (_, numbers: string) => {
    return `[${numbers.replace(/,\n\s+/g, ', ')}]`;
  });
  return `${text}\n`;
}

/**
 * A file name inside the model directory: relative, with forward slashes, and never upwards. Absolute paths, drive
 * letters, backslashes and `.` or `..` segments are refused whatever the platform.
 */
const path: Reader<string> = place => {
  const name = string(place);
  if (!staysInside(name)) throw wrong(place, 'a relative path inside the model directory');
  return name;
};

const sha256: Reader<string> = place => {
  if (!/^[0-9a-f]{64}$/.test(string(place))) throw wrong(place, '64 lower-case hexadecimal digits');
  return string(place);
};

const dtypes = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'string',
] as const satisfies readonly DType[];

const port = object<Port>({
  name: string,
  dtype: oneOf(...dtypes),
  shape: list(either(value => typeof value === 'string', string, count)),
});

const fileEntry = object<FileEntry>({ file: path, size: count, sha256: optional(sha256) });

const graphEntry = object<GraphEntry>({
  file: path,
  size: count,
  sha256: optional(sha256),
  dtype: oneOf(...dtypes, 'int4'),
  inputs: list(port),
  outputs: list(port),
  data: list(fileEntry),
});

const graphs = object<Partial<Record<GraphName, GraphEntry>>>({
  model: optional(graphEntry),
  encoder: optional(graphEntry),
  decoder: optional(graphEntry),
  read: optional(graphEntry),
  step: optional(graphEntry),
});

const dimensions = object<Dimensions>({
  layers: count,
  heads: count,
  headSize: count,
  keySize: count,
  hidden: count,
  vocabSize: count,
  segmentVocabSize: count,
  maxPositions: nullable(count),
});

const attention = object<AttentionRules>({
  visibility: oneOf('padding', 'causal', 'prefix'),
  segmentPadding: boolean,
  crossAttention: optional(boolean),
});

const activations = object<Activations>({
  logits: optional(string),
  seqRelationship: optional(string),
  pooler: optional(string),
  discriminator: optional(string),
});

const tokenizer = variant<TokenizerEntry>('kind', {
  wordpiece: object<WordPieceEntry>({
    kind: oneOf('wordpiece'),
    vocab: path,
    doLowerCase: boolean,
    wordMaxLen: count,
    preTokenize: optional(nullable(oneOf('jieba'))),
    tokenStart: nullable(string),
    tokenEnd: nullable(string),
  }),
  sentencepiece: object({
    kind: oneOf('sentencepiece'),
    model: path,
    preTokenize: nullable(oneOf('jieba')),
    tokenTranslate: record(string),
    tokenStart: nullable(string),
    tokenEnd: nullable(string),
  }),
  words: object({ kind: oneOf('words'), vocab: path }),
});

const origin = object<Origin>({
  format: string,
  scheme: string,
  // The user's own files, wherever they were: names to read, never opened.
  files: list(object<FileEntry>({ file: string, size: count, sha256: optional(sha256) })),
  options: record(json),
});

const manifest = object<Manifest>({
  formatVersion: oneOf(MANIFEST_VERSION),
  tool: string,
  architecture: string,
  application: oneOf<Application>('encoder', 'lm', 'unilm'),
  graphs,
  dimensions,
  attention,
  activations,
  tokenizer: optional(tokenizer),
  tasks: record(record(json)),
  origin,
});
