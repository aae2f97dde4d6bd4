/**
 * What the cuts share: removing all scores under a threshold, and the mass of a row.
 */
import { exponential } from '../exponential.ts';
import type { ScoreArray } from '../scorer.ts';

/** Sets scores below `threshold` to -Infinity. */
export function ruleOutBelow(scores: ScoreArray, threshold: number): void {
  for (let i = 0; i < scores.length; i++) {
    if ((scores[i] as number) < threshold) scores[i] = Number.NEGATIVE_INFINITY;
  }
}

/** Sum of e^(score - largest): the denominator of the softmax. */
export function massOf(scores: ScoreArray, largest: number): number {
  let mass = 0;
  for (let i = 0; i < scores.length; i++) mass += exponential((scores[i] as number) - largest);
  return mass;
}
