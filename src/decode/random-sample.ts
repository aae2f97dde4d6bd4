/**
 * bert4keras' random sampling (`AutoRegressiveDecoder.random_sample`, bert4keras/snippets.py,
 * https://github.com/bojone/bert4keras): the first row is scored once and drawn from `n` times; then each unfinished
 * sample is a row. One uniform is taken per unfinished sample and step, in sample order. Finished samples come first, in
 * the order in which they finished. How one token is drawn: see draw.ts.
 */
import { InputError } from '../core/errors.ts';
import { type Cuts, draw } from './draw.ts';
import { checkFraction, checkInteger, checkTopK } from './option-checks.ts';
import { createRowNormalizer } from './row-normalizer.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis, type StepScorer, tokenIdsOf } from './scorer.ts';
import { planSearch, rowPlace, type SearchOptions, type SearchPlan, scoreStep } from './search-step.ts';
import type { RandomSource } from './seeded-random.ts';
import { type ScoredRow, topOf } from './top-row.ts';

/** Options of {@link randomSample}. */
export interface RandomSampleOptions extends SearchOptions {
  /** Number of samples. Default 1. */
  readonly n?: number | undefined;
  /** Draw only from the topK likeliest tokens; at most the vocabulary's size. */
  readonly topK?: number | undefined;
  /** Draw only from the likeliest tokens whose probabilities together reach topP, 0 < topP <= 1; applied after topK. */
  readonly topP?: number | undefined;
  /** Uniforms in [0, 1); see `seededRandom`. */
  readonly random: RandomSource;
}

/** One sample. */
export interface Sample {
  /** Which of the `n` it is, from 0: the number that its step events carry. */
  readonly sample: number;
  /** With the start token, if any, and with the end token, if reached. */
  readonly tokenIds: readonly number[];
  /** Sum of log(p) of the drawn tokens, p before any cut. */
  readonly score: number;
  /** True when the sequence ended by itself, false when `maxLen` cut it off. */
  readonly finished: boolean;
  /** Probability of each drawn token in its row at the search's temperature, before any cut. */
  readonly probabilities: readonly number[];
}

/** A sample in the making. */
interface Draft {
  readonly sample: number;
  readonly hypothesis: Hypothesis;
  readonly ends: number;
  readonly probabilities: readonly number[];
}

/**
 * Draws `n` sequences, with bert4keras' rules.
 * @throws ConfigError for an option out of range; InputError when `topK` exceeds the vocabulary, scores are not finite or
 * `random` leaves [0, 1); AbortedError when the signal is aborted.
 * @example
 * const [sample] = await randomSample(scorer, { topP: 0.95, endId: 102, maxLen: 32, random: seededRandom(1) });
 */
export async function randomSample(scorer: StepScorer, options: RandomSampleOptions): Promise<readonly Sample[]> {
  const plan = planSearch(options);
  const cuts = checkCuts(options, scorer.vocabSize);
  const extend = createExtender(scorer, plan, cuts, options.random);
  const done: Sample[] = [];
  let drafts = firstDrafts(options.n ?? 1, plan);
  for (let step = 0; step < plan.maxLen && drafts.length > 0; step++) {
    const scored = step === 0 ? drafts.slice(0, 1) : drafts;
    const rows = await scoreStep(
      scorer,
      scored.map(draft => draft.hypothesis),
      plan,
      { step, topK: cuts.topK ?? undefined },
    );
    drafts = extend(drafts, rows, step);
    if (step + 1 + (plan.startId === null ? 0 : 1) < plan.minLen) continue;
    const isFinished = ({ hypothesis, ends }: Draft) => hypothesis.tokenId === plan.endId && ends >= plan.minEnds;
    done.push(...drafts.filter(isFinished).map(draft => sampleOf(draft, plan, true)));
    drafts = drafts.filter(draft => !isFinished(draft));
  }
  return [...done, ...drafts.map(draft => sampleOf(draft, plan, false))];
}

function createExtender(scorer: StepScorer, plan: SearchPlan, cuts: Cuts, random: RandomSource) {
  const normalizer = createRowNormalizer(scorer.kind, plan.temperature);
  return (drafts: readonly Draft[], rows: readonly ScoredRow[], step: number): readonly Draft[] =>
    drafts.map((draft, index) => {
      const place = Math.min(index, rows.length - 1);
      const row = rows[place] ?? new Float32Array(0);
      if (place === index) normalizer.prepare(row, topOf(row, 1).values[0] ?? 0, rowPlace(step, place));
      if (normalizer.mass === 0) throw withoutMass(rowPlace(step, place));
      const { tokenId, probability } = draw(row, cuts, normalizer, checkUniform(random()));
      plan.onStep?.({ step, sample: draft.sample, tokenIds: [tokenId] });
      return {
        sample: draft.sample,
        hypothesis: extendHypothesis(draft.hypothesis, tokenId),
        ends: draft.ends + (tokenId === plan.endId ? 1 : 0),
        probabilities: [...draft.probabilities, probability],
      };
    });
}

function firstDrafts(n: number, plan: SearchPlan): readonly Draft[] {
  checkInteger('n', n, 1);
  const root = rootHypothesis();
  const ends = plan.startId === plan.endId ? 1 : 0;
  return Array.from({ length: n }, (_, sample) => ({ sample, hypothesis: root, ends, probabilities: [] }));
}

function sampleOf({ sample, hypothesis, probabilities }: Draft, plan: SearchPlan, finished: boolean): Sample {
  const generated = tokenIdsOf(hypothesis);
  return {
    sample,
    tokenIds: plan.startId === null ? generated : [plan.startId, ...generated],
    score: probabilities.reduce((sum, probability) => sum + Math.log(probability), 0),
    finished,
    probabilities,
  };
}

function checkCuts(
  { topK = null, topP = null }: { topK?: number | undefined | null; topP?: number | undefined | null },
  vocabSize: number,
): Cuts {
  if (topP !== null) checkFraction('topP', topP);
  if (topK !== null) checkTopK(topK, vocabSize);
  return { topK, topP };
}

function withoutMass(place: string): InputError {
  return new InputError({ what: 'probabilities of a decoding step', place, expected: 'a sum above 0', found: '0' });
}

function checkUniform(uniform: number): number {
  if (uniform >= 0 && uniform < 1) return uniform;
  throw new InputError({
    what: 'uniform from the random source',
    expected: 'a number in [0, 1)',
    found: String(uniform),
  });
}
