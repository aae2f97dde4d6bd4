/**
 * Tokens that never come, for instance [UNK] or the tokens of another language.
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkInteger } from '../option-checks.ts';

/** Rules out `tokenIds` at every step. */
export function suppressTokens(tokenIds: readonly number[]): LogitsProcessor {
  for (const tokenId of tokenIds) checkInteger('suppressTokens', tokenId, 0);
  return scores => {
    for (const tokenId of tokenIds) if (tokenId < scores.length) scores[tokenId] = Number.NEGATIVE_INFINITY;
  };
}
