/**
 * OpenAI's two penalties on generated tokens (https://platform.openai.com/docs/api-reference/chat): a token that was
 * generated c > 0 times loses `presence` once and `frequency` c times. The prompt doesn't count.
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkFinite } from '../option-checks.ts';
import { type Hypothesis, tokenIdsOf } from '../scorer.ts';

/** Subtracts `penalty` from the score of every token that was generated before; a negative one encourages repetition. */
export function presencePenalty(penalty: number): LogitsProcessor {
  checkFinite('presencePenalty', penalty);
  return (scores, hypothesis) => subtract(scores, new Set(tokenIdsOf(hypothesis)), penalty);
}

/** Subtracts `penalty` from a token's score once for each time it was generated before. */
export function frequencyPenalty(penalty: number): LogitsProcessor {
  checkFinite('frequencyPenalty', penalty);
  return (scores, hypothesis: Hypothesis) => subtract(scores, tokenIdsOf(hypothesis), penalty);
}

function subtract(scores: { [tokenId: number]: number }, tokenIds: Iterable<number>, penalty: number): void {
  for (const tokenId of tokenIds) {
    const score = scores[tokenId];
    if (score !== undefined) scores[tokenId] = score - penalty;
  }
}
