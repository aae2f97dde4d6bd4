/**
 * Whole rows of probabilities, for the searches' building blocks that need every entry (merging passages, masks).
 */
import { softmaxInPlace } from './exponential.ts';
import { createRowNormalizer, unusableScores } from './row-normalizer.ts';
import type { ScoreArray, StepScorer } from './scorer.ts';
import { rowPlace, splitRows } from './search-step.ts';
import { argMax } from './top-k.ts';

/** Where scores come from, for {@link probabilityRows}. */
export interface ScoredStep {
  readonly scorer: StepScorer;
  readonly rows: number;
  readonly step: number;
  /** Prefix of the place in errors, e.g. `passage 2, `. */
  readonly source?: string;
}

/**
 * Views of V probabilities per row, computed in place of `scores` (logits are replaced by their softmax; probabilities
 * are checked and left as they are).
 * @throws InputError for scores that are not finite, or not `rows` x V of them.
 */
export function probabilityRows(
  scores: ScoreArray,
  { scorer, rows, step, source = '' }: ScoredStep,
): readonly ScoreArray[] {
  const normalizer = createRowNormalizer(scorer.kind, 1);
  const views = splitRows(scores, rows, scorer.vocabSize, step);
  views.forEach((row, index) => {
    const place = `${source}${rowPlace(step, index)}`;
    if (scorer.kind === 'probabilities') normalizer.prepare(row, 0, place);
    else softmaxRow(row, place);
  });
  return views;
}

function softmaxRow(row: ScoreArray, place: string): void {
  const top = row[argMax(row)] ?? 0;
  const original = row.slice();
  if (!(softmaxInPlace(row, top) > 0)) throw unusableScores(original, place, 'logits');
}

/**
 * Replaces logits [K, V] by probabilities, row by row; `source` names them in errors.
 * @throws InputError for scores that are not finite.
 */
export function softmaxRows(logits: Float32Array, vocabSize: number, source: string): Float32Array {
  for (let row = 0; row * vocabSize < logits.length; row++) {
    softmaxRow(logits.subarray(row * vocabSize, (row + 1) * vocabSize), `${source}, row ${row}`);
  }
  return logits;
}
