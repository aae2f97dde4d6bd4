/**
 * Keeps tokens at least p times as likely as the likeliest (Nguyen et al., "Min-p Sampling", 2024; MinPLogitsWarper,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py).
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkFraction } from '../option-checks.ts';
import { argMax } from '../top-k.ts';
import { ruleOutBelow } from './rule-out.ts';

/** 0 < `p` <= 1. */
export function minP(p: number): LogitsProcessor {
  checkFraction('minP', p);
  const distance = Math.log(p);
  return scores => ruleOutBelow(scores, (scores[argMax(scores)] ?? 0) + distance);
}
