/**
 * A least length (MinNewTokensLengthLogitsProcessor,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py). Unlike bert4keras' minLen, under which an early end
 * token may stand inside the text, no end token comes before it.
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkInteger } from '../option-checks.ts';

/** Rules out the end token until `count` tokens (at least 0) have been generated. */
export function minNewTokens(count: number): LogitsProcessor {
  checkInteger('minNewTokens', count, 0);
  return (scores, hypothesis, { endId }) => {
    if (hypothesis.length < count && endId < scores.length) scores[endId] = Number.NEGATIVE_INFINITY;
  };
}
