/**
 * SentencePiece models in TypeScript: encodes and decodes exactly as sentencepiece 0.1.96 does, for unigram and BPE models.
 * Text is UTF-16; half of a broken surrogate pair counts as U+FFFD, which is how UTF-8 would carry it.
 * Reference: https://github.com/google/sentencepiece/blob/d8711f55d9b2cb9c77a00adcc18108482b29b675/src/sentencepiece_processor.cc
 */
import { InputError } from '../../core/errors.ts';
import { Bpe } from './bpe.ts';
import { decodePieces } from './decode-pieces.ts';
import {
  bytePiece,
  isInText,
  type Piece,
  type PieceKind,
  parseSentencePieceModel,
  type SentencePieceModel,
} from './model-file.ts';
import { Normalizer } from './normalizer.ts';
import type { Segmentation, Segmenter, Vocabulary } from './segmenter.ts';
import { SymbolMatcher } from './symbol-matcher.ts';
import { TextBuffer } from './text-buffer.ts';
import { Unigram } from './unigram.ts';

/** A loaded model. */
export interface SentencePiece {
  readonly vocabSize: number;
  /** Id of the unknown piece. */
  readonly unkId: number;
  /** Id of the padding piece, or -1 when the model has no control piece of that name. */
  readonly padId: number;
  /** The pieces of a text; neighbouring unknown characters are one piece, as they stand in the normalised text. */
  encodeAsPieces(text: string): string[];
  /** The ids of a text. */
  encodeAsIds(text: string): number[];
  /** @throws InputError when an id is not of the vocabulary. */
  decodeIds(ids: readonly number[]): string;
  /** Text of pieces; a string that is no piece stands for itself. */
  decodePieces(pieces: readonly string[]): string;
  /** Id of a piece, that of the unknown one for any other string. */
  pieceToId(piece: string): number;
  /** @throws InputError when the id is not of the vocabulary. */
  idToPiece(id: number): string;
  /** What a piece is. @throws InputError when the id is not of the vocabulary. */
  kindOf(id: number): PieceKind;
}

/**
 * Loads a model from the bytes of its `.model` file.
 * @param file - how the user knows the file, for errors.
 * @throws {@link FormatError} when the bytes are no such model.
 *
 * ```ts
 * const model = createSentencePiece(await readFile('chinese_vocab.model'));
 * model.encodeAsPieces('今天天气不错'); // ['▁今天', '天', '气', '不错']
 * ```
 */
export function createSentencePiece(bytes: Uint8Array, file?: string): SentencePiece {
  const model = parseSentencePieceModel(bytes, file);
  const { pieces, trainer } = model;
  const { pieceToId, unkId } = indexPieces(pieces);
  const cut = createCutter(model, { pieces, unkId, pieceToId });
  const byteIds = trainer.byteFallback
    ? Array.from({ length: 256 }, (_, byte) => pieceToId(bytePiece(byte)))
    : undefined;
  const idToPiece = (id: number): string => pieces[id]?.text ?? unknownId(id, pieces.length);
  const padId = pieceToId(trainer.padPiece);

  return {
    vocabSize: pieces.length,
    unkId,
    padId: pieces[padId]?.kind === 'control' ? padId : -1,
    encodeAsIds: text => settleUnknown(cut(text), unkId, byteIds).ids,
    encodeAsPieces: text => {
      const done = cut(text);
      const { ids, ends } = settleUnknown(done, unkId, byteIds);
      return ids.map((id, at) => (id === unkId ? done.text.slice(ends[at - 1] ?? 0, ends[at] ?? 0) : idToPiece(id)));
    },
    decodeIds: ids =>
      decodePieces(
        model,
        ids.map(idToPiece).map(text => ({ text, id: pieceToId(text) })),
      ),
    decodePieces: texts =>
      decodePieces(
        model,
        texts.map(text => ({ text, id: pieceToId(text) })),
      ),
    pieceToId,
    idToPiece,
    kindOf: id => pieces[id]?.kind ?? unknownId(id, pieces.length),
  };
}

function indexPieces(pieces: readonly Piece[]) {
  const unkId = pieces.findIndex(piece => piece.kind === 'unknown');
  const ids = new Map<string, number>();
  for (const [id, { text, kind }] of pieces.entries()) if (isInText(kind)) ids.set(text, id);
  for (const [id, { text, kind }] of pieces.entries()) if (!isInText(kind)) ids.set(text, id);
  return { unkId, pieceToId: (text: string): number => ids.get(text) ?? unkId };
}

/** A normalised text and how it is cut. */
interface Cut extends Segmentation {
  readonly text: TextBuffer;
}

/** The way from text to pieces, with memory that is used again for each text. */
function createCutter(model: SentencePieceModel, vocabulary: Vocabulary): (text: string) => Cut {
  const userDefined = model.pieces.filter(piece => piece.kind === 'user-defined').map(piece => piece.text);
  const symbols = userDefined.length > 0 ? new SymbolMatcher(userDefined) : undefined;
  const normalizer = new Normalizer(model.normalizer, symbols);
  const segmenter: Segmenter =
    model.trainer.algorithm === 'bpe' ? new Bpe(vocabulary, symbols) : new Unigram(vocabulary);
  const buffer = new TextBuffer();
  return text => {
    normalizer.normalize(text.replace(/[\ud800-\udfff]/gu, '\ufffd'), buffer);
    return { text: buffer, ...segmenter.segment(buffer) };
  };
}

/** Neighbouring unknowns become one piece, or the pieces of their bytes in a model that has these. */
function settleUnknown(cut: Cut, unkId: number, byteIds: readonly number[] | undefined): Segmentation {
  if (!cut.ids.includes(unkId)) return cut;
  const ids: number[] = [];
  const ends: number[] = [];
  let start = 0;
  for (let index = 0; index < cut.ids.length; index++) {
    const id = cut.ids[index] as number;
    while (id === unkId && cut.ids[index + 1] === id) index += 1;
    const end = cut.ends[index] as number;
    const spelled = id === unkId && byteIds !== undefined ? spell(cut.text.slice(start, end), byteIds) : [id];
    for (const settled of spelled) {
      ids.push(settled);
      ends.push(end);
    }
    start = end;
  }
  return { ids, ends };
}

function spell(text: string, byteIds: readonly number[]): number[] {
  return Array.from(new TextEncoder().encode(text), byte => byteIds[byte] as number);
}

function unknownId(id: number, size: number): never {
  throw new InputError({ what: 'id of a piece', expected: `a whole number below ${size}`, found: String(id) });
}
