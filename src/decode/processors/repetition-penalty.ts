/**
 * Makes tokens that occurred before, in the prompt or the generated text, less likely: their score is divided by the
 * penalty when it is positive and multiplied by it when it is negative (Keskar et al., "CTRL", 2019;
 * RepetitionPenaltyLogitsProcessor, https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py).
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkPositive } from '../option-checks.ts';
import { historyOf } from './history.ts';

/** `penalty` > 0; above 1 discourages repetition, 1 changes nothing. */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  checkPositive('repetitionPenalty', penalty);
  return (scores, hypothesis, context) => {
    for (const tokenId of new Set(historyOf(hypothesis, context))) {
      const score = scores[tokenId];
      if (score !== undefined) scores[tokenId] = score < 0 ? score * penalty : score / penalty;
    }
  };
}
