/**
 * Nucleus sampling (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2019; TopPLogitsWarper,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py): keeps the smallest set of likeliest tokens
 * whose probabilities together reach p, the one that crosses it included. Of equal ones the lowest ids are kept.
 */
import { exponential } from '../exponential.ts';
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkFraction } from '../option-checks.ts';
import { argMax, selectUntil } from '../top-k.ts';
import { massOf } from './rule-out.ts';

/** 0 < `p` <= 1. */
export function topP(p: number): LogitsProcessor {
  checkFraction('topP', p);
  return scores => {
    const largest = scores[argMax(scores)] ?? 0;
    const bound = p * massOf(scores, largest);
    const head = selectUntil(scores, selection => {
      let mass = 0;
      for (let i = 0; i < selection.count; i++) {
        mass += exponential((selection.values[i] as number) - largest);
        if (mass >= bound) {
          selection.count = i + 1;
          return true;
        }
      }
      return false;
    });
    scores.fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < head.count; i++) scores[head.ids[i] as number] = head.values[i] as number;
  };
}
