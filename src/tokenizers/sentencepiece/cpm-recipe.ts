/**
 * What CPM-LM does around its SentencePiece model: text is cut into words by jieba and joined by blanks, so its own blanks
 * and line ends travel as U+2582 and U+2583, and come back when all other blanks are dropped.
 * References: https://github.com/TsinghuaAI/CPM-Generate, https://github.com/bojone/CPM_LM_bert4keras
 */
import type { SentencePiece } from './sentence-piece.ts';

/** Stands for a blank of the text. */
const blankSign = '\u2582';
/** Stands for a line end of the text. */
const lineSign = '\u2583';

/**
 * The `preTokenize` of CPM.
 * @param cut - cuts text into words: jieba's precise mode.
 *
 * ```ts
 * const preTokenize = cpmPreTokenize(text => jieba.cut(text));
 * ```
 */
export function cpmPreTokenize(cut: (text: string) => readonly string[]): (text: string) => string[] {
  return text => cut(text).map(word => word.replaceAll(' ', blankSign).replaceAll('\n', lineSign));
}

/** The text that decoded tokens stand for: blanks dropped, signs turned back into blanks and line ends. */
export function cpmText(decoded: string): string {
  return decoded.replaceAll(' ', '').replaceAll(blankSign, ' ').replaceAll(lineSign, '\n');
}

/**
 * The `tokenTranslate` that a CPM model needs. The model file of 2020-11-13 has `<cls>` (id 3) for line ends; in that of
 * 2020-11-22 U+2583 is a piece itself (id 3 too), and with a translation every line end would become unknown.
 */
export function cpmTokenTranslate(model: SentencePiece): Readonly<Record<string, string>> {
  const hasOwnPiece = model.pieceToId(lineSign) !== model.unkId;
  return hasOwnPiece || model.pieceToId('<cls>') === model.unkId ? {} : { [lineSign]: '<cls>' };
}
