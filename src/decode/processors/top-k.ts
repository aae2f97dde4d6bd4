/**
 * Keeps the k largest scores, and those equal to the smallest of them (TopKLogitsWarper,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py).
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkInteger } from '../option-checks.ts';
import { selectTop } from '../top-k.ts';
import { ruleOutBelow } from './rule-out.ts';

/** Keeps the `k` (at least 1) likeliest tokens; all of them where the vocabulary is smaller. */
export function topK(k: number): LogitsProcessor {
  checkInteger('topK', k, 1);
  return scores => {
    ruleOutBelow(scores, selectTop(scores, k).values.at(-1) ?? Number.NEGATIVE_INFINITY);
  };
}
