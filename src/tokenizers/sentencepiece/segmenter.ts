/** What the two algorithms of SentencePiece, unigram and BPE, have in common. */
import type { Piece } from './model-file.ts';
import type { TextBuffer } from './text-buffer.ts';

/** A normalised text cut into pieces, in order; unknown parts have the id of the unknown piece. */
export interface Segmentation {
  readonly ids: number[];
  /** Beside `ids`: where each piece ends, in code units. */
  readonly ends: number[];
}

/** Cuts normalised text. */
export interface Segmenter {
  segment(text: TextBuffer): Segmentation;
}

/** What a segmenter is made from. */
export interface Vocabulary {
  readonly pieces: readonly Piece[];
  readonly unkId: number;
  /** Id of a piece by its text: control, unknown and byte pieces first, then the others, then the unknown id. */
  pieceToId(text: string): number;
}
