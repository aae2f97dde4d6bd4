/**
 * A beginning that the answer must have. The forced token gets score 0 and all others are ruled out, so that in a beam
 * search it costs nothing (as ForcedBOSTokenLogitsProcessor does for one token,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py).
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkInteger } from '../option-checks.ts';

/** Makes the generated text begin with `tokenIds`. */
export function forcedPrefix(tokenIds: readonly number[]): LogitsProcessor {
  for (const tokenId of tokenIds) checkInteger('forcedPrefix', tokenId, 0);
  return (scores, hypothesis) => {
    const forced = tokenIds[hypothesis.length];
    if (forced === undefined) return;
    scores.fill(Number.NEGATIVE_INFINITY);
    if (forced < scores.length) scores[forced] = 0;
  };
}
