/**
 * `bert4ort.json`: what a model directory says about itself. Written by the converters, read by the run time, and the
 * only thing the two share. See docs/model-directory.md.
 */
import type { DType } from './dtype.ts';

/** Version of the layout of a model directory. A directory with another version is refused. */
export const MANIFEST_VERSION = 1;

/** Name of the manifest inside a model directory. */
export const MANIFEST_FILE = 'bert4ort.json';

/** bert4keras' `application`: which attention mask the model was built with. */
export type Application = 'encoder' | 'lm' | 'unilm';

/**
 * Which graph a file holds: the whole forward pass; the same without token logits (where there are any); the same with those
 * of chosen rows only (masked models); the generation graph with a cache (language models). Of a model with an encoder and a
 * decoder, `encoder` and `decoder` are these.
 */
export type GraphName = 'model' | 'encoder' | 'decoder' | 'read' | 'step';

/** An input or output of a graph; a dimension is a size or the letter of a free one (`B`, `T`, `R`, `P`, `K`). */
export interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** A file beside the manifest. `sha256` is absent for weights that were converted without it, and for checkpoints. */
export interface FileEntry {
  readonly file: string;
  readonly size: number;
  readonly sha256?: string;
}

/** One ONNX file with the weight files it refers to. */
export interface GraphEntry extends FileEntry {
  readonly dtype: DType | 'int8' | 'int4';
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Weight files, relative to the model directory, e.g. `onnx/model.onnx_data`. */
  readonly data: readonly FileEntry[];
}

/** Sizes the run time needs. */
export interface Dimensions {
  readonly layers: number;
  readonly heads: number;
  /** Size of one head's values. */
  readonly headSize: number;
  /** Size of one head's queries and keys. */
  readonly keySize: number;
  readonly hidden: number;
  /** Rows of the token table as used. */
  readonly vocabSize: number;
  /** Number of segment ids: that of tokens where segments share the token table, 0 where the model takes no segments. */
  readonly segmentVocabSize: number;
  /** Longest sequence, or null where positions have no limit. */
  readonly maxPositions: number | null;
}

/**
 * Which positions attention sees, for callers of the step graph, which supply `visible` themselves. In `model.onnx` the
 * same rules are part of the graph. `padding`: all but padding; `causal`: also no later position; `prefix`: UniLM.
 * A position other than the first is padding when its token id is 0 or, with `segmentPadding`, its segment id is 0.
 * `crossAttention`: the source, of segment 0, has an encoder of its own; positions of the target, of segment 1, count from 0
 * again, and the first of them is never padding either.
 */
export interface AttentionRules {
  readonly visibility: 'padding' | 'causal' | 'prefix';
  readonly segmentPadding: boolean;
  readonly crossAttention?: boolean;
}

/** What the checkpoint's own last activation was; graphs return values before it. Absent where there is no such head. */
export interface Activations {
  readonly logits?: string;
  readonly seqRelationship?: string;
  readonly pooler?: string;
  readonly discriminator?: string;
}

/** A bert4keras `Tokenizer` over `vocab.txt`. */
export interface WordPieceEntry {
  readonly kind: 'wordpiece';
  readonly vocab: string;
  readonly doLowerCase: boolean;
  readonly wordMaxLen: number;
  /** `jieba`: words are cut first, by its dictionary alone; one that the vocabulary has is a token. */
  readonly preTokenize?: 'jieba' | null;
  readonly tokenStart: string | null;
  readonly tokenEnd: string | null;
}

/** A bert4keras `SpTokenizer` over a SentencePiece model, with the CPM recipe's cutting and translation. */
export interface SentencePieceEntry {
  readonly kind: 'sentencepiece';
  readonly model: string;
  /** `jieba`: words are cut first and joined by blanks, as CPM does. */
  readonly preTokenize: 'jieba' | null;
  readonly tokenTranslate: Readonly<Record<string, string>>;
  readonly tokenStart: string | null;
  readonly tokenEnd: string | null;
}

/** Words that were cut beforehand, looked up in a list; used by the cloze model. */
export interface WordListEntry {
  readonly kind: 'words';
  readonly vocab: string;
}

/** Which tokenizer a model uses. */
export type TokenizerEntry = WordPieceEntry | SentencePieceEntry | WordListEntry;

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where the model came from. */
export interface Origin {
  readonly format: string;
  readonly scheme: string;
  readonly files: readonly FileEntry[];
  /** Options of the conversion, as given. */
  readonly options: Readonly<Record<string, Json>>;
}

/** The manifest. */
export interface Manifest {
  readonly formatVersion: typeof MANIFEST_VERSION;
  /** `bert4ort` and its version. */
  readonly tool: string;
  readonly architecture: string;
  readonly application: Application;
  readonly graphs: Readonly<Partial<Record<GraphName, GraphEntry>>>;
  readonly dimensions: Dimensions;
  readonly attention: AttentionRules;
  readonly activations: Activations;
  readonly tokenizer?: TokenizerEntry;
  /** Task name → settings that replace the task's own defaults. */
  readonly tasks: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly origin: Origin;
}
