/**
 * The latest request of a chat, resting: when the next prompt goes on from its, as the next turn of the same dialogue
 * does, what they share is not computed again.
 */
import type { GenerationScorer } from '../generation/generation-scorer.ts';
import type { Sequence } from '../generation/visibility.ts';

/** Keeps one request. */
export interface RestingRequest {
  /** The kept request, if `prompt` begins with the whole of its prompt; whoever takes it owns it. */
  take(prompt: Sequence): GenerationScorer | undefined;
  /** Lets a request whose search is over rest here, in place of the one before. */
  keep(prompt: Sequence, scorer: GenerationScorer): void;
}

/** A place for one request, empty at first. */
export function createRestingRequest(): RestingRequest {
  let kept: { readonly prompt: Sequence; readonly scorer: GenerationScorer } | undefined;
  return {
    take(prompt) {
      if (kept === undefined || !beginsWith(prompt, kept.prompt)) return undefined;
      const { scorer } = kept;
      kept = undefined;
      return scorer;
    },
    keep(prompt, scorer) {
      kept?.scorer.release();
      kept = { prompt, scorer };
      scorer.rest();
    },
  };
}

function beginsWith(prompt: Sequence, beginning: Sequence): boolean {
  return beginning.tokenIds.every(
    (tokenId, i) => tokenId === prompt.tokenIds[i] && beginning.segmentIds[i] === prompt.segmentIds[i],
  );
}
