/**
 * The tokens that a rule about repetition looks back on.
 */
import type { ProcessorContext } from '../logits-processor.ts';
import { type Hypothesis, tokenIdsOf } from '../scorer.ts';

/** Ids of the prompt, then the generated ones. */
export function historyOf(hypothesis: Hypothesis, { promptTokenIds }: ProcessorContext): number[] {
  return [...promptTokenIds, ...tokenIdsOf(hypothesis)];
}
