/**
 * A scorer without a cache: each hypothesis is a whole sequence, computed anew in every step. It serves models whose
 * earlier positions see later ones, and comparisons.
 */
import { InputError, throwIfAborted } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { type Hypothesis, tokenIdsOf } from '../decode/scorer.ts';
import type { GraphSession } from '../session/session.ts';
import type { GenerationScorer } from './generation-scorer.ts';
import { type RowRequest, readRows } from './row-reader.ts';
import type { Sequence } from './visibility.ts';

/** A scorer that computes everything again in each step. */
export function recomputeScorer(
  session: GraphSession,
  manifest: Manifest,
  { prompt, segmentId }: { readonly prompt: Sequence; readonly segmentId: number },
): GenerationScorer {
  const { vocabSize } = manifest.dimensions;
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
      const rows = await readRows(session, manifest, hypotheses.map(requestOf), { signal });
      const scores = new Float32Array(hypotheses.length * vocabSize);
      rows.forEach((row, i) => {
        scores.set(row, i * vocabSize);
      });
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
