/**
 * Locally typical sampling (Meister et al., 2022; TypicalLogitsWarper,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py): tokens by how near their information -ln q is to
 * the entropy of the row, nearest first, until their probabilities together reach the mass asked for.
 */
import { exponential } from '../exponential.ts';
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkFraction } from '../option-checks.ts';
import type { ScoreArray } from '../scorer.ts';
import { argMax, type Selection, selectUntil } from '../top-k.ts';
import { massOf } from './rule-out.ts';

/** 0 < `mass` <= 1. */
export function typicalP(mass: number): LogitsProcessor {
  checkFraction('typicalP', mass);
  return scores => {
    const largest = scores[argMax(scores)] ?? 0;
    const logMass = largest + Math.log(massOf(scores, largest));
    const entropy = entropyOf(scores, logMass);
    const nearness = scores.map(score => -Math.abs(logMass - score - entropy));
    const head = selectUntil(nearness, selection => {
      const last = crossing(selection, scores, { logMass, mass });
      if (last !== null) selection.count = last + 1;
      return last !== null;
    });
    const farthest = head.values[head.count - 1] ?? Number.NEGATIVE_INFINITY;
    nearness.forEach((value, tokenId) => {
      if (value < farthest) scores[tokenId] = Number.NEGATIVE_INFINITY;
    });
  };
}

function entropyOf(scores: ScoreArray, logMass: number): number {
  let entropy = 0;
  for (let i = 0; i < scores.length; i++) {
    const log = (scores[i] as number) - logMass;
    if (log > Number.NEGATIVE_INFINITY) entropy -= log * exponential(Math.min(0, log));
  }
  return entropy;
}

/** First place at which the sum of probabilities reaches `mass`; null when none does. */
function crossing(
  { ids, count }: Selection,
  scores: ScoreArray,
  { logMass, mass }: { readonly logMass: number; readonly mass: number },
): number | null {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += exponential(Math.min(0, (scores[ids[i] as number] as number) - logMass));
    if (sum >= mass) return i;
  }
  return null;
}
