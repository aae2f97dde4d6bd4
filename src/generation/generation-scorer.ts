/**
 * What the generation engine hands out: a scorer of one request that holds cache memory until it is released.
 */
import type { StepScorer } from '../decode/scorer.ts';

/** How a request's generated tokens are fed. */
export interface StartOptions {
  /** Segment id of generated tokens. Default 0. */
  readonly segmentId?: number;
  /** An earlier request whose cache this one may take over as far as their beginnings agree. It is released by this. */
  readonly after?: GenerationScorer | undefined;
}

/** A scorer of one request. Release it when its search is over. */
export interface GenerationScorer extends StepScorer {
  /** Number of leading positions of the prompt that were not computed again. */
  readonly reused: number;
  /**
   * Moves its cache out of the way of running requests, until it is asked again or another takes over: for a chat that
   * waits for its user.
   */
  rest(): void;
  /** Gives its cache back. May be called twice. */
  release(): void;
}
