/**
 * With the cache or without: the choice, and the rule by which measured steps make it. With the cache a step reads what
 * was computed before; without it the sequence is computed again. Short sequences on devices where a run costs much beside
 * its arithmetic can be faster without.
 */
import type { StepTiming } from '../core/strategy-profile.ts';

/**
 * `on`: every step with the cache. `off`: every sequence is computed again in each step. `auto`: what the profile beside the
 * model says for this machine; without one it is measured, and kept where there is a place for it.
 */
export type CacheOption = 'on' | 'off' | 'auto';

/** Options of whatever generates. */
export interface StrategyOptions {
  /**
   * Whether steps use a cache. Left out: as the profile beside the model says, and with the cache where it says nothing;
   * nothing is measured and nothing written.
   */
  readonly cache?: CacheOption | undefined;
}

/** What was chosen, and why. */
export interface StrategyChoice {
  /**
   * Calls over at most so many tokens, all hypotheses together, are computed without the cache: 0 for none, Infinity for
   * all.
   */
  readonly recomputeUpTo: number;
  /** Who said so: the option, the profile, a measurement just made, or nobody. */
  readonly source: 'option' | 'profile' | 'measured' | 'default';
  /** Why, in words for the user. */
  readonly reason: string;
}

/** Part of a cached step's time that computing again has to take at most, for it to be chosen: a tie is noise. */
const MARGIN = 0.9;

/**
 * The longest sequence up to which computing again was clearly faster at every measured length; 0 where it never was. Its
 * time grows faster with length than a cached step's, so beyond the first length where it loses nothing is gained.
 * @param steps shortest first.
 */
export function recomputeLimit(steps: readonly StepTiming[]): number {
  let limit = 0;
  for (const { tokens, cached, recomputed } of steps) {
    if (recomputed > MARGIN * cached) break;
    limit = tokens;
  }
  return limit;
}

/** A choice in words: `with the cache`, `without the cache up to 64 tokens`. */
export function describeLimit(recomputeUpTo: number): string {
  if (recomputeUpTo === 0) return 'with the cache';
  return recomputeUpTo === Number.POSITIVE_INFINITY
    ? 'without the cache'
    : `without the cache up to ${recomputeUpTo} tokens`;
}

/** Measured steps in words. */
export function describeSteps(steps: readonly StepTiming[]): string {
  const milliseconds = (time: number) => (time / 1000).toFixed(1);
  const parts = steps.map(
    ({ tokens, cached, recomputed }) =>
      `${milliseconds(cached)} ms against ${milliseconds(recomputed)} at ${tokens} tokens`,
  );
  return `a step with the cache against one without: ${parts.join(', ')}`;
}
