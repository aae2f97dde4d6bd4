/**
 * Flattens (above 1) or sharpens (below 1) the distribution: scores are divided by the temperature.
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkPositive } from '../option-checks.ts';

/** Divides every score by `value` > 0. */
export function temperature(value: number): LogitsProcessor {
  checkPositive('temperature', value);
  return scores => {
    for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] as number) / value;
  };
}
