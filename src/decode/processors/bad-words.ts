/**
 * Sequences of tokens that must not come about (NoBadWordsLogitsProcessor,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py).
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkInteger, refuse } from '../option-checks.ts';
import { historyOf } from './history.ts';

/** Rules out the last token of each of `sequences` wherever its other tokens have just been written. */
export function badWords(sequences: readonly (readonly number[])[]): LogitsProcessor {
  for (const sequence of sequences) {
    if (sequence.length === 0) refuse('badWords', 'sequences of at least one token', '[]');
    for (const tokenId of sequence) checkInteger('badWords', tokenId, 0);
  }
  const longest = Math.max(0, ...sequences.map(sequence => sequence.length));
  return (scores, hypothesis, context) => {
    const history = longest > 1 ? historyOf(hypothesis, context) : [];
    for (const sequence of sequences) {
      const start = longest > 1 ? history.length - sequence.length + 1 : 0;
      if (start >= 0 && sequence.slice(0, -1).every((tokenId, place) => tokenId === history[start + place])) {
        ruleOut(scores, sequence.at(-1) ?? -1);
      }
    }
  };
}

function ruleOut(scores: { readonly length: number; [tokenId: number]: number }, tokenId: number): void {
  if (tokenId < scores.length) scores[tokenId] = Number.NEGATIVE_INFINITY;
}
