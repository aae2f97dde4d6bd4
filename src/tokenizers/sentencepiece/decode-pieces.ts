/**
 * Pieces back to text. Reference: `SentencePieceProcessor::Decode`,
 * https://github.com/google/sentencepiece/blob/d8711f55d9b2cb9c77a00adcc18108482b29b675/src/sentencepiece_processor.cc
 */
import type { SentencePieceModel } from './model-file.ts';
import { escapedBlank } from './normalizer.ts';

/** A piece with the id that it is decoded as; its text need not be that id's. */
export interface IdentifiedPiece {
  readonly text: string;
  readonly id: number;
}

/**
 * Control pieces give nothing, the unknown piece its surface, a string that is no piece itself; in other pieces U+2581 is
 * a blank, and one at the very beginning goes if the model puts or removes blanks there. Neighbouring byte pieces are read
 * as UTF-8 together, each byte that does not fit becoming one U+FFFD.
 */
export function decodePieces(model: SentencePieceModel, pieces: readonly IdentifiedPiece[]): string {
  let text = '';
  let bytes: number[] = [];
  for (const { text: piece, id } of pieces) {
    const { kind, text: name } = model.pieces[id] as SentencePieceModel['pieces'][number];
    if (kind === 'byte') {
      bytes.push(Number(piece.slice(1, -1)));
      continue;
    }
    text += decodeBytes(bytes);
    bytes = [];
    if (kind === 'unknown') text += piece === name ? model.trainer.unkSurface : piece;
    else if (kind !== 'control') text += surfaceOf(model, piece, text === '');
  }
  return text + decodeBytes(bytes);
}

function surfaceOf({ normalizer }: SentencePieceModel, piece: string, isFirst: boolean): string {
  const dropsBlank = isFirst && (normalizer.addDummyPrefix || normalizer.removeExtraWhitespaces);
  const rest = dropsBlank && piece.startsWith(escapedBlank) ? piece.slice(escapedBlank.length) : piece;
  return rest.replaceAll(escapedBlank, ' ');
}

/** UTF-8, with one U+FFFD for each byte that does not belong to a character (`TextDecoder` would join some of them). */
function decodeBytes(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] as number);
    const codePoint = length > 0 ? codePointOf(bytes.slice(at, at + length), length) : -1;
    text += codePoint < 0 ? '\ufffd' : String.fromCodePoint(codePoint);
    at += codePoint < 0 ? 1 : length;
  }
  return text;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf8 ? 4 : 0;
}

const leastOfLength = [0, 0, 0x80, 0x800, 0x10000];

/** The character that `bytes` are, or -1: too few, not continued, overlong, a surrogate, or beyond U+10FFFF. */
function codePointOf(bytes: readonly number[], length: number): number {
  const [lead = 0, ...rest] = bytes;
  if (bytes.length < length || rest.some(byte => (byte & 0xc0) !== 0x80)) return -1;
  if (length === 1) return lead;
  const codePoint = rest.reduce((value, byte) => (value << 6) | (byte & 0x3f), lead & (0x7f >> length));
  const isSurrogate = codePoint >= 0xd800 && codePoint < 0xe000;
  return codePoint < (leastOfLength[length] as number) || isSurrogate || codePoint > 0x10ffff ? -1 : codePoint;
}
