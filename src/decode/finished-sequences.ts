/**
 * The finished sequences of a beam search with length penalty: a pool of the best few, and the rule that says when no
 * living beam can improve it (BeamHypotheses,
 * https://github.com/huggingface/transformers/blob/4e7bd11fa959587a64a649050c30c999afae66c8/src/transformers/generation/beam_search.py).
 */
import type { Hypothesis } from './scorer.ts';

/** When a beam search stops once it has `width` finished sequences; see {@link PoolOptions}. */
export type EarlyStopping = boolean | 'never';

/** How a pool scores and when it is complete. */
export interface PoolOptions {
  /** Sequences kept. */
  readonly size: number;
  /** A sequence of n generated tokens scores (sum of log p) / n^lengthPenalty. */
  readonly lengthPenalty: number;
  /**
   * `true`: as soon as the pool is full. `false`: when the best living beam, ended now, would not get in. `'never'`: when
   * it could not get in at the most favourable length either.
   */
  readonly earlyStopping: EarlyStopping;
  readonly maxLen: number;
}

/** A sequence in a pool. */
export interface PooledSequence {
  readonly hypothesis: Hypothesis;
  /** Sum of log p. */
  readonly logProbability: number;
  /** `logProbability` / length^lengthPenalty. */
  readonly score: number;
  readonly finished: boolean;
}

/** Keeps the best finished sequences. */
export interface FinishedSequences {
  /** Best first; equal scores in order of arrival. */
  readonly sequences: readonly PooledSequence[];
  /** Offers a sequence; the worst one leaves when the pool overflows. */
  offer(hypothesis: Hypothesis, logProbability: number, finished: boolean): void;
  /** Whether beams of `length` tokens, the best of which has `bestLogProbability`, can't improve the pool any more. */
  isComplete(bestLogProbability: number, length: number): boolean;
}

/** An empty pool. */
export function createFinishedSequences(options: PoolOptions): FinishedSequences {
  const { size, lengthPenalty, earlyStopping, maxLen } = options;
  const sequences: PooledSequence[] = [];
  return {
    sequences,
    offer(hypothesis, logProbability, finished) {
      const score = logProbability / hypothesis.length ** lengthPenalty;
      const place = sequences.findIndex(other => other.score < score);
      const sequence = { hypothesis, logProbability, score, finished };
      sequences.splice(place < 0 ? sequences.length : place, 0, sequence);
      if (sequences.length > size) sequences.pop();
    },
    isComplete(bestLogProbability, length) {
      const worst = sequences[size - 1];
      if (worst === undefined) return false;
      if (earlyStopping === true) return true;
      const favourable = earlyStopping === 'never' && lengthPenalty > 0 ? maxLen : length;
      return worst.score >= bestLogProbability / favourable ** lengthPenalty;
    },
  };
}
