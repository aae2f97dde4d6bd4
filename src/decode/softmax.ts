/**
 * Whole rows of probabilities, for the searches' building blocks that need every entry (merging passages, masks).
 */
import { createRowNormalizer } from './row-normalizer.ts';
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
    normalizer.prepare(row, row[argMax(row)] ?? 0, `${source}${rowPlace(step, index)}`);
    if (scorer.kind === 'probabilities') return;
    for (let i = 0; i < row.length; i++) row[i] = normalizer.probability(row[i] as number);
  });
  return views;
}
