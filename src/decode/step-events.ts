/**
 * Streaming: searches tell a listener which tokens have become final. For a sample or a greedy decode that is each token
 * as it is drawn; for beams it is what all living hypotheses have in common.
 */
import type { Hypothesis } from './scorer.ts';

/** Tokens that can't change any more. */
export interface StepEvent {
  /** Index of the decoding step that decided them. */
  readonly step: number;
  /** Which sample they belong to (0 for searches with one result). */
  readonly sample: number;
  /** The new tokens, oldest first; follows those of earlier events of the same sample. */
  readonly tokenIds: readonly number[];
}

/** Receives events in order. What it throws ends the search. */
export type StepListener = (event: StepEvent) => void;

/** Reports the common beginning of a set of hypotheses as it grows. */
export interface PrefixStream {
  /** The hypotheses that are still possible results after `step`. */
  update(step: number, possible: readonly Hypothesis[]): void;
}

/** A stream that reports to `listener`; does nothing without one. */
export function createPrefixStream(listener: StepListener | undefined): PrefixStream {
  let told = 0;
  return {
    update(step, possible) {
      if (listener === undefined) return;
      const shared = commonAncestor(possible);
      if (shared === null || shared.length <= told) return;
      const tokenIds: number[] = [];
      for (let node: Hypothesis = shared; node.length > told && node.parent !== null; node = node.parent)
        tokenIds.push(node.tokenId);
      told = shared.length;
      listener({ step, sample: 0, tokenIds: tokenIds.reverse() });
    },
  };
}

/** The longest hypothesis that all of `hypotheses` begin with; null for none at all. */
function commonAncestor(hypotheses: readonly Hypothesis[]): Hypothesis | null {
  let shared: Hypothesis | null = hypotheses[0] ?? null;
  for (const hypothesis of hypotheses) {
    let other: Hypothesis | null = hypothesis;
    while (shared !== null && other !== null && shared !== other) {
      if (shared.length >= other.length) shared = shared.parent;
      else other = other.parent;
    }
  }
  return shared;
}
