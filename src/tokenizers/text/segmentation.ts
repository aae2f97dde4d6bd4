/**
 * `text_segmentate` of `bert4keras.snippets`: long text cut into short sentences, at the strongest separator that helps.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/snippets.py
 */
import { codePointLength, strip } from './python-string.ts';

/** How {@link textSegmentate} cuts. */
export interface SegmentationOptions {
  /** Separators from strong to weak, one character each; a line end unless given. */
  readonly seps?: string;
  /** Characters that go from both ends of every piece, besides white space; white space alone unless given. */
  readonly strips?: string;
}

/**
 * Cuts `text` so that pieces are at most `maxLen` code points long, as far as the separators allow: a piece without any
 * stays longer, and so does one that ends in a run of them. Every piece keeps the separator it ends with unless `strips` takes it.
 *
 * ```ts
 * textSegmentate('今天很好。明天更好。', 5, { seps: '\n。' }); // ['今天很好。', '明天更好。']
 * ```
 */
export function textSegmentate(text: string, maxLen: number, options: SegmentationOptions = {}): string[] {
  return segmentate(text, maxLen, Array.from(options.seps ?? '\n'), options.strips);
}

function segmentate(given: string, maxLen: number, seps: readonly string[], strips: string | undefined): string[] {
  const text = strip(strip(given), strips);
  const [sep, ...weaker] = seps;
  if (sep === undefined || codePointLength(text) <= maxLen) return [text];
  const texts: string[] = [];
  const pieces = text.split(sep);
  let gathered = '';
  for (const [at, piece] of pieces.entries()) {
    if (gathered !== '' && piece !== '' && codePointLength(gathered) + codePointLength(piece) > maxLen - 1) {
      texts.push(...segmentate(gathered, maxLen, weaker, strips));
      gathered = '';
    }
    gathered += at + 1 === pieces.length ? piece : piece + sep;
  }
  if (gathered !== '') texts.push(...segmentate(gathered, maxLen, weaker, strips));
  return texts;
}
