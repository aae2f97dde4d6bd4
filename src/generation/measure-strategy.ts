/**
 * Measures decoding steps with the cache and without, in turn, so that both meet the same moods of the machine. The
 * shortest sequence comes first, and the first one that the cache wins ends it: with BERT-base on a CPU that is the first,
 * after a fifth of a second.
 */
import { throwIfAborted } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { StepTiming } from '../core/strategy-profile.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis } from '../decode/scorer.ts';
import type { GraphSession } from '../session/session.ts';
import type { GenerationScorer } from './generation-scorer.ts';
import { createGenerator } from './generator.ts';
import { recomputeLimit } from './strategy.ts';
import type { Sequence } from './visibility.ts';

/** Options of {@link measureStrategy}. */
export interface MeasureOptions {
  /** Lengths of sequences, in tokens, shortest first. Default 16, 64 and 256, as far as the model's positions go. */
  readonly lengths?: readonly number[];
  /** Measure every length, also after the cache has won one. Default false. */
  readonly all?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What was measured. */
export interface StrategyMeasurement {
  /** Times of steps, shortest sequence first. */
  readonly steps: readonly StepTiming[];
  /** Largest difference between the logits of both ways, over the largest logit. */
  readonly difference: number;
  /** Whether that is rounding. */
  readonly agrees: boolean;
  /** What follows: see `recomputeLimit`; 0 when they don't agree. */
  readonly recomputeUpTo: number;
}

const LENGTHS = [16, 64, 256];
/** Steps of each way; the fastest counts. */
const ROUNDS = 3;
/** Rounding of float32 sums in different orders stays well below. */
const MOST_DIFFERENCE = 1e-4;

/**
 * Measures both ways of decoding on a model's step graph.
 * @throws SessionError when a run fails; AbortedError.
 * @example
 * const { steps, recomputeUpTo } = await measureStrategy(await model.openGraph('step'), model.manifest);
 */
export async function measureStrategy(
  session: GraphSession,
  manifest: Manifest,
  { lengths = LENGTHS, all = false, signal }: MeasureOptions = {},
): Promise<StrategyMeasurement> {
  const cached = createGenerator(session, manifest);
  const again = createGenerator(session, manifest, { recomputeUpTo: Number.POSITIVE_INFINITY });
  const most = (manifest.dimensions.maxPositions ?? Number.POSITIVE_INFINITY) - 1;
  const steps: StepTiming[] = [];
  let difference = 0;
  for (const tokens of lengths.filter(length => length <= most)) {
    throwIfAborted(signal, 'measuring');
    const { prompt, segmentId } = promptOf(manifest, tokens - ROUNDS + 1);
    const scorers = [cached.start(prompt, { segmentId }), again.start(prompt, { segmentId })] as const;
    const measured = await timeSteps(...scorers);
    for (const scorer of scorers) scorer.release();
    steps.push({ tokens, cached: measured.cached, recomputed: measured.recomputed });
    difference = Math.max(difference, measured.difference);
    if (!all && recomputeLimit(steps) < tokens) break;
  }
  const agrees = difference <= MOST_DIFFERENCE;
  return { steps, difference, agrees, recomputeUpTo: agrees ? recomputeLimit(steps) : 0 };
}

async function timeSteps(
  cached: GenerationScorer,
  again: GenerationScorer,
): Promise<Omit<StepTiming, 'tokens'> & { readonly difference: number }> {
  let row: Hypothesis = rootHypothesis();
  const best = { cached: Number.POSITIVE_INFINITY, recomputed: Number.POSITIVE_INFINITY, difference: 0 };
  // The prompt's own run is not counted: it costs the same in both ways.
  await cached.score([row]);
  for (let round = 0; round < ROUNDS; round++) {
    row = extendHypothesis(row, 1);
    const [first, second] = [await timed(cached, row), await timed(again, row)];
    best.cached = Math.min(best.cached, first.time);
    best.recomputed = Math.min(best.recomputed, second.time);
    best.difference = Math.max(best.difference, differenceOf(first.scores, second.scores));
  }
  return best;
}

/** Scores of a row and the microseconds they took. */
async function timed(scorer: GenerationScorer, row: Hypothesis) {
  const start = performance.now();
  const scores = await scorer.score([row]);
  return { scores, time: Math.round((performance.now() - start) * 1000) };
}

/** Largest difference over the largest magnitude; Infinity where only one is finite. */
function differenceOf(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [largest, difference] = [Number.MIN_VALUE, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [found[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    if (Number.isFinite(b)) largest = Math.max(largest, Math.abs(b));
    if (a !== b) difference = Math.max(difference, Math.abs(a - b));
  }
  return Number.isFinite(difference) ? difference / largest : Number.POSITIVE_INFINITY;
}

/** Different tokens, none of them padding, in a segment after which the model can cache. */
function promptOf({ attention, dimensions }: Manifest, length: number): { prompt: Sequence; segmentId: number } {
  const { vocabSize, segmentVocabSize } = dimensions;
  const { crossAttention = false } = attention;
  const segmentId = attention.visibility === 'prefix' && segmentVocabSize > 1 ? 1 : 0;
  const tokenIds = Array.from({ length }, (_, i) => 1 + ((i * 7) % Math.max(1, vocabSize - 1)));
  const isTarget = (i: number): boolean => crossAttention && i === length - 1;
  return { prompt: { tokenIds, segmentIds: tokenIds.map((_, i) => (isTarget(i) ? 1 : 0)) }, segmentId };
}
