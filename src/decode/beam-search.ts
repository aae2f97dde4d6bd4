/**
 * bert4keras' beam search (`AutoRegressiveDecoder.beam_search`, bert4keras/snippets.py,
 * https://github.com/bojone/bert4keras): a hypothesis' score is the sum of log(p + 1e-12); the best `topK` of all
 * continuations live on. Once `minLen` is reached, the search ends as soon as the best one has ended; other ended ones are
 * dropped for good and the beam narrows. There is no length penalty and no list of finished candidates.
 *
 * NumPy leaves the order of equal scores open. Here the earlier hypothesis wins; within one hypothesis the larger
 * probability, then the lower token id.
 */
import { checkTopK } from './option-checks.ts';
import { createRowNormalizer, type RowNormalizer } from './row-normalizer.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis, type StepScorer, tokenIdsOf } from './scorer.ts';
import { planSearch, rowPlace, type SearchOptions, type SearchPlan, scoreStep } from './search-step.ts';
import { createPrefixStream } from './step-events.ts';
import { selectTop } from './top-k.ts';
import { type ScoredRow, topOf } from './top-row.ts';

/** Options of {@link beamSearch}. */
export interface BeamSearchOptions extends SearchOptions {
  /** Beam width; at most the vocabulary's size. */
  readonly topK: number;
}

/** One step on the way to the result. */
export interface DecodeStep {
  readonly tokenId: number;
  /** Probability of the token in its row, at the search's temperature. */
  readonly probability: number;
  /** Number of hypotheses that were scored at this step. */
  readonly beams: number;
}

/** The result of {@link beamSearch}. */
export interface BeamSearchResult {
  /** The ids as bert4keras returns them: with the start token, if any, and with the end token, if reached. */
  readonly tokenIds: readonly number[];
  /** Sum of log(p + 1e-12): float32 logarithms (for float32 scores), summed in double. */
  readonly score: number;
  /** True when the sequence ended by itself, false when `maxLen` cut it off. */
  readonly finished: boolean;
  /** One entry per generated token. */
  readonly steps: readonly DecodeStep[];
}

/** A hypothesis with its score, and the beam it grew from. */
interface Beam {
  readonly hypothesis: Hypothesis;
  readonly score: number;
  /** End tokens so far, the start token included. */
  readonly ends: number;
  readonly previous: Beam | null;
  readonly step: DecodeStep | null;
}

/**
 * Finds the likeliest sequence by beam search, with bert4keras' rules.
 * @throws ConfigError for an option out of range; InputError when `topK` exceeds the vocabulary or scores are not
 * finite; AbortedError when the signal is aborted.
 * @example
 * const { tokenIds, score } = await beamSearch(scorer, { topK: 3, endId: 102, maxLen: 32 });
 */
export async function beamSearch(scorer: StepScorer, options: BeamSearchOptions): Promise<BeamSearchResult> {
  const plan = planSearch(options);
  checkTopK(options.topK, scorer.vocabSize);
  const grow = createGrower(scorer, plan);
  const stream = createPrefixStream(plan.onStep);
  const isFinished = (beam: Beam) => beam.step?.tokenId === plan.endId && beam.ends >= plan.minEnds;
  const startTokens = plan.startId === null ? 0 : 1;
  let beams: readonly Beam[] = [firstBeam(plan)];
  for (let step = 0; step < plan.maxLen; step++) {
    const width = step === 0 ? options.topK : beams.length;
    const rows = await scoreStep(scorer, hypothesesOf(beams), plan, { step, topK: width });
    beams = grow(beams, rows, { step, width });
    if (step + 1 + startTokens >= plan.minLen) {
      if (beams.slice(0, 1).some(isFinished)) break;
      beams = beams.filter(beam => !isFinished(beam));
    }
    stream.update(step, hypothesesOf(beams));
  }
  const best = beams[0] ?? firstBeam(plan);
  stream.update(best.hypothesis.length - 1, [best.hypothesis]);
  return resultOf(best, plan, best.hypothesis.length + startTokens >= plan.minLen && isFinished(best));
}

/** Grows beams by one token: the best `width` continuations in descending order. */
type Grower = (
  beams: readonly Beam[],
  rows: readonly ScoredRow[],
  size: { readonly step: number; readonly width: number },
) => readonly Beam[];

function createGrower(scorer: StepScorer, plan: SearchPlan): Grower {
  const normalizer = createRowNormalizer(scorer.kind, plan.temperature);
  return (beams, rows, { step, width }) => {
    const perRow = rows.map((row, index) => topOfRow(row, width, normalizer, rowPlace(step, index)));
    const totals = new Float64Array(width * rows.length);
    perRow.forEach(({ logs }, index) => {
      const score = beams[index]?.score ?? 0;
      for (let rank = 0; rank < width; rank++) totals[index * width + rank] = score + (logs[rank] ?? 0);
    });
    const best = selectTop(totals, width);
    return Array.from(best.ids, (place, rank) => {
      const row = Math.trunc(place / width);
      const previous = beams[row] ?? firstBeam(plan);
      const tokenId = perRow[row]?.ids[place % width] ?? 0;
      const probability = perRow[row]?.probabilities[place % width] ?? 0;
      return {
        hypothesis: extendHypothesis(previous.hypothesis, tokenId),
        score: best.values[rank] ?? 0,
        ends: previous.ends + (tokenId === plan.endId ? 1 : 0),
        previous,
        step: { tokenId, probability, beams: rows.length },
      };
    });
  };
}

function topOfRow(row: ScoredRow, width: number, normalizer: RowNormalizer, place: string) {
  const top = topOf(row, width);
  normalizer.prepare(row, top.values[0] ?? 0, place);
  return {
    ids: top.ids,
    probabilities: top.values.map(normalizer.probability),
    logs: top.values.map(normalizer.flooredLog),
  };
}

function firstBeam(plan: SearchPlan): Beam {
  const ends = plan.startId === plan.endId ? 1 : 0;
  return { hypothesis: rootHypothesis(), score: 0, ends, previous: null, step: null };
}

function hypothesesOf(beams: readonly Beam[]): readonly Hypothesis[] {
  return beams.map(beam => beam.hypothesis);
}

function resultOf(beam: Beam, plan: SearchPlan, finished: boolean): BeamSearchResult {
  const steps: DecodeStep[] = [];
  for (let node: Beam | null = beam; node !== null; node = node.previous) if (node.step !== null) steps.push(node.step);
  const generated = tokenIdsOf(beam.hypothesis);
  return {
    tokenIds: plan.startId === null ? generated : [plan.startId, ...generated],
    score: beam.score,
    finished,
    steps: steps.reverse(),
  };
}
