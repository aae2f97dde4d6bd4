/**
 * Reads a SentencePiece `.model` file: a protocol buffer message, `ModelProto` of sentencepiece_model.proto. Only the
 * fields that change encoding or decoding are read; a file that asks for something unsupported is refused.
 * Reference: https://github.com/google/sentencepiece/blob/d8711f55d9b2cb9c77a00adcc18108482b29b675/src/sentencepiece_model.proto
 */
import { Cursor } from '../../core/cursor.ts';
import { FormatError, messageOf } from '../../core/errors.ts';
import { Charsmap } from './charsmap.ts';
import { delimited, fixed32, readBool, readBytes, readFields, readInt32, readText, varint } from './proto-fields.ts';

/** What a piece is, in the order of the proto's enum, whose first value is 1. */
const pieceKinds = ['normal', 'unknown', 'control', 'user-defined', 'unused', 'byte'] as const;

/** What a piece is. */
export type PieceKind = (typeof pieceKinds)[number];

/** One entry of the vocabulary; its id is its index. */
export interface Piece {
  readonly text: string;
  /** float32 */
  readonly score: number;
  readonly kind: PieceKind;
}

/** How text is normalised before it is cut: the proto's NormalizerSpec. */
export interface NormalizerSpec {
  /** Replacements, if any. */
  readonly charsmap: Charsmap | undefined;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
  readonly escapeWhitespaces: boolean;
}

/** What was asked of the training: the proto's TrainerSpec. */
export interface TrainerSpec {
  readonly algorithm: 'unigram' | 'bpe';
  /** Whether unknown characters become the byte pieces of their UTF-8. */
  readonly byteFallback: boolean;
  /** What the unknown piece decodes to. */
  readonly unkSurface: string;
  readonly unkPiece: string;
  readonly padPiece: string;
}

/** A model as its file describes it. */
export interface SentencePieceModel {
  readonly pieces: readonly Piece[];
  readonly trainer: TrainerSpec;
  readonly normalizer: NormalizerSpec;
}

/** The proto's enum ModelType. */
const algorithms = ['', 'unigram', 'bpe', 'word', 'char'];

/**
 * @param file - how the user knows the file, for errors.
 * @throws {@link FormatError} when the bytes are no such model, or one that this package does not support.
 */
export function parseSentencePieceModel(bytes: Uint8Array, file = 'SentencePiece model'): SentencePieceModel {
  try {
    const model = readModel(bytes);
    checkPieces(model);
    return model;
  } catch (thrown) {
    const expected = 'a unigram or BPE model as SentencePiece writes it';
    throw new FormatError({ what: 'SentencePiece model', file, expected, found: foundIn(thrown) }, { cause: thrown });
  }
}

function foundIn(thrown: unknown): string {
  if (!(thrown instanceof FormatError) || thrown.details.place === undefined) return messageOf(thrown);
  const { expected, found, place } = thrown.details;
  return `${found} instead of ${expected}, at ${place}`;
}

function messageIn(bytes: Uint8Array, what: string): Cursor {
  return new Cursor(bytes, { file: 'SentencePiece model', what });
}

function readModel(bytes: Uint8Array): SentencePieceModel {
  const message = messageIn(bytes, 'model');
  const pieces: Piece[] = [];
  let trainer = readTrainer(new Uint8Array(0));
  let normalizer = readNormalizer(new Uint8Array(0));
  readFields(message, tag => {
    if (tag === ((1 << 3) | delimited)) pieces.push(readPiece(readBytes(message)));
    else if (tag === ((2 << 3) | delimited)) trainer = readTrainer(readBytes(message));
    else if (tag === ((3 << 3) | delimited)) normalizer = readNormalizer(readBytes(message));
    else if (tag === ((5 << 3) | delimited)) refuseDenormalizer(readNormalizer(readBytes(message)));
    else return false;
    return true;
  });
  return { pieces, trainer, normalizer };
}

function readPiece(bytes: Uint8Array): Piece {
  const message = messageIn(bytes, 'piece');
  let [text, score, kind] = ['', 0, 1];
  readFields(message, tag => {
    if (tag === ((1 << 3) | delimited)) text = readText(message);
    else if (tag === ((2 << 3) | fixed32)) score = message.f32();
    else if (tag === ((3 << 3) | varint)) kind = readInt32(message);
    else return false;
    return true;
  });
  return { text, score, kind: pieceKinds[kind - 1] ?? fail(`piece type ${kind}`) };
}

function readTrainer(bytes: Uint8Array): TrainerSpec {
  const message = messageIn(bytes, 'trainer specification');
  const spec = { byteFallback: false, unkSurface: ' \u2047 ', unkPiece: '<unk>', padPiece: '<pad>' };
  let algorithm = 1;
  readFields(message, tag => {
    if (tag === ((3 << 3) | varint)) algorithm = readInt32(message);
    else if (tag === ((24 << 3) | varint)) refuseSuffix(readBool(message));
    else if (tag === ((35 << 3) | varint)) spec.byteFallback = readBool(message);
    else if (tag === ((44 << 3) | delimited)) spec.unkSurface = readText(message);
    else if (tag === ((45 << 3) | delimited)) spec.unkPiece = readText(message) || '<unk>';
    else if (tag === ((48 << 3) | delimited)) spec.padPiece = readText(message) || '<pad>';
    else return false;
    return true;
  });
  const name = algorithms[algorithm] ?? String(algorithm);
  return { ...spec, algorithm: name === 'unigram' || name === 'bpe' ? name : fail(`a model of type ${name}`) };
}

function readNormalizer(bytes: Uint8Array): NormalizerSpec {
  const message = messageIn(bytes, 'normalizer specification');
  const spec = { addDummyPrefix: true, removeExtraWhitespaces: true, escapeWhitespaces: true };
  let compiled: Uint8Array = new Uint8Array(0);
  readFields(message, tag => {
    if (tag === ((2 << 3) | delimited)) compiled = readBytes(message);
    else if (tag === ((3 << 3) | varint)) spec.addDummyPrefix = readBool(message);
    else if (tag === ((4 << 3) | varint)) spec.removeExtraWhitespaces = readBool(message);
    else if (tag === ((5 << 3) | varint)) spec.escapeWhitespaces = readBool(message);
    else return false;
    return true;
  });
  return { ...spec, charsmap: compiled.length === 0 ? undefined : new Charsmap(compiled) };
}

/** The checks of SentencePiece's `InitializePieces`. */
function checkPieces({ pieces, trainer }: SentencePieceModel): void {
  const inText = new Set<string>();
  const reserved = new Set<string>();
  for (const { text, kind } of pieces) {
    const seen = isInText(kind) ? inText : reserved;
    if (text === '') fail('an empty piece');
    if (seen.has(text)) fail(`piece ${JSON.stringify(text)} twice`);
    seen.add(text);
    if (kind === 'byte' && !trainer.byteFallback) fail(`byte piece ${JSON.stringify(text)} without byte_fallback`);
  }
  const unknown = pieces.filter(piece => piece.kind === 'unknown').length;
  if (unknown !== 1) fail(`${unknown} unknown pieces`);
  if (inText.size === 0) fail('no piece that occurs in text');
  if (pieces.some(piece => Number.isNaN(piece.score))) fail('a score that is no number');
  if (trainer.byteFallback) checkBytePieces(pieces);
}

function checkBytePieces(pieces: readonly Piece[]): void {
  const texts = new Set(pieces.filter(piece => piece.kind === 'byte').map(piece => piece.text));
  for (let byte = 0; byte < 256; byte++) if (!texts.has(bytePiece(byte))) fail(`no piece ${bytePiece(byte)}`);
  if (texts.size > 256) fail('a byte piece that is none');
}

/** Whether pieces of this kind are looked for in text; the others are reached by name or id only. */
export function isInText(kind: PieceKind): boolean {
  return kind === 'normal' || kind === 'user-defined' || kind === 'unused';
}

/** The text of a byte's piece: `<0x0A>`. */
export function bytePiece(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

function refuseSuffix(isSuffix: boolean): void {
  if (isSuffix) fail('treat_whitespace_as_suffix, which is not supported');
}

function refuseDenormalizer(spec: NormalizerSpec): void {
  if (spec.charsmap !== undefined) fail('a denormalizer, which is not supported');
}

function fail(found: string): never {
  throw new Error(found);
}
