/**
 * A scorer without a cache: each hypothesis is a whole sequence, computed anew in every step, together with whatever else
 * is asked of the same reader. It serves models whose earlier positions see later ones, and calls that are faster so.
 */
import { InputError, throwIfAborted } from '../core/errors.ts';
import { type Hypothesis, tokenIdsOf } from '../decode/scorer.ts';
import type { GenerationScorer } from './generation-scorer.ts';
import type { RowReader, RowRequest } from './row-reader.ts';
import type { Sequence } from './visibility.ts';

/** What a {@link recomputeScorer} scores. */
export interface RecomputeRequest {
  readonly prompt: Sequence;
  /** Segment id of generated tokens. */
  readonly segmentId: number;
  readonly vocabSize: number;
  /** Most tokens of a run; the reader's own limit where it is absent. */
  readonly maxBatchTokens?: number | undefined;
}

/** A scorer that computes everything again in each step. */
export function recomputeScorer(
  reader: RowReader,
  { prompt, segmentId, vocabSize, maxBatchTokens }: RecomputeRequest,
): GenerationScorer {
  let released = false;
  const requestOf = (hypothesis: Hypothesis): RowRequest => {
    const tokenIds = [...prompt.tokenIds, ...tokenIdsOf(hypothesis)];
    const segmentIds = [...prompt.segmentIds, ...new Array<number>(hypothesis.length).fill(segmentId)];
    return { tokenIds, segmentIds, rows: [tokenIds.length - 1] };
  };
  return {
    vocabSize,
    kind: 'logits',
    reused: 0,
    async score(hypotheses, signal) {
      throwIfAborted(signal, 'decoding');
      if (released) throw new InputError({ what: 'scoring', found: 'a request that was released' });
      const scores = new Float32Array(hypotheses.length * vocabSize);
      const read = (logits: Float32Array, i: number) => scores.set(logits, i * vocabSize);
      await reader.read(hypotheses.map(requestOf), read, { maxBatchTokens, signal });
      return scores;
    },
    rest() {
      // There is no cache to move.
    },
    release() {
      released = true;
    },
  };
}

/**
 * A scorer that computes calls over at most `limit` tokens without the cache, and goes over to it with the first that is
 * longer. What was not cached until then is computed in that call, as the prompt is.
 */
export function shortCallScorer(
  cached: GenerationScorer,
  again: GenerationScorer,
  { limit, promptTokens }: { readonly limit: number; readonly promptTokens: number },
): GenerationScorer {
  let usesCache = cached.reused > 0;
  const score = (hypotheses: readonly Hypothesis[], signal?: AbortSignal, topK?: number) => {
    const tokens = hypotheses.reduce((sum, { length }) => sum + promptTokens + length, 0);
    usesCache ||= tokens > limit;
    return (usesCache ? cached : again).score(hypotheses, signal, topK);
  };
  return {
    vocabSize: cached.vocabSize,
    kind: cached.kind,
    reused: cached.reused,
    score: score as GenerationScorer['score'],
    rest: () => cached.rest(),
    release() {
      cached.release();
      again.release();
    },
  };
}
