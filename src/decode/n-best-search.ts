/**
 * Beam search as Hugging Face's `generate` and CTranslate2 do it: finished sequences are kept in a pool and ranked by
 * sum(log p) / length^lengthPenalty, the n best are returned. With groups, the beams are split and each group is pushed
 * away from the tokens that earlier groups chose at the same step (Vijayakumar et al., "Diverse Beam Search", 2016).
 * Follows BeamSearchScorer,
 * https://github.com/huggingface/transformers/blob/4e7bd11fa959587a64a649050c30c999afae66c8/src/transformers/generation/beam_search.py
 * Equal scores: the earlier beam, then the lower token id.
 */
import { createFinishedSequences, type EarlyStopping, type FinishedSequences } from './finished-sequences.ts';
import { checkFinite, checkInteger, refuse } from './option-checks.ts';
import { createRowNormalizer, type RowNormalizer } from './row-normalizer.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis, type StepScorer, tokenIdsOf } from './scorer.ts';
import { contextOf, planRequest, type RequestPlan, rowPlace, type SearchRequest, scoreRows } from './search-step.ts';
import { createPrefixStream } from './step-events.ts';
import { type Selection, selectTop } from './top-k.ts';
import { type ScoredRow, topOf } from './top-row.ts';

/** How wide to search and how to rank. */
export interface NBestRules {
  /** Number of beams, all groups together. Default 4. */
  readonly width?: number | undefined;
  /** Sequences returned, at most `width`. Default 1. */
  readonly n?: number | undefined;
  /** Above 0 favours long sequences, below 0 short ones, 0 ranks by probability. Default 1. */
  readonly lengthPenalty?: number | undefined;
  /** See {@link EarlyStopping}. Default false. */
  readonly earlyStopping?: EarlyStopping | undefined;
  /** Number of groups; `width` must be a multiple of it. Default 1. */
  readonly groups?: number | undefined;
  /** Taken from a token's log probability for each beam of earlier groups that chose it at this step. Needs groups. */
  readonly diversityPenalty?: number | undefined;
}

/** Options of {@link nBestSearch}. */
export interface NBestOptions extends SearchRequest, NBestRules {}

/** One of the n best. */
export interface RankedSequence {
  /** The generated ids, with the end token, if reached. */
  readonly tokenIds: readonly number[];
  /** What it is ranked by: `logProbability` / length^lengthPenalty. */
  readonly score: number;
  /** Sum of log p (after processors and diversity penalty). */
  readonly logProbability: number;
  /** True when the sequence ended by itself, false when `maxLen` cut it off. */
  readonly finished: boolean;
}

/** A living hypothesis and its sum of log p. */
interface Beam {
  readonly hypothesis: Hypothesis;
  readonly logProbability: number;
}

/** Beams that compete with each other, and the sequences they have finished. */
interface Group {
  readonly beams: readonly Beam[];
  readonly pool: FinishedSequences;
  readonly done: boolean;
}

type NBestPlan = RequestPlan & Required<{ [Rule in keyof NBestRules]: NonNullable<NBestRules[Rule]> }>;

/**
 * The n best sequences by beam search with length penalty, best first.
 * @throws ConfigError for an option out of range; InputError when scores are not finite; AbortedError when the signal is
 * aborted.
 * @example
 * const [best, second] = await nBestSearch(scorer, { width: 4, n: 2, endId: 102, maxLen: 64 });
 */
export async function nBestSearch(scorer: StepScorer, options: NBestOptions): Promise<readonly RankedSequence[]> {
  const plan = planNBest(options);
  const grow = createGrower(scorer, plan);
  const stream = createPrefixStream(plan.onStep);
  let groups = firstGroups(plan);
  let step = 0;
  for (; step < plan.maxLen && groups.some(group => !group.done); step++) {
    const living = groups.filter(group => !group.done).flatMap(group => group.beams);
    const scored = step === 0 ? living.slice(0, 1) : living;
    const rows = await scoreRows(
      scorer,
      scored.map(beam => beam.hypothesis),
      plan,
      { step, topK: seesWholeRows(plan) ? undefined : (2 * plan.width) / plan.groups },
    );
    groups = grow(groups, rows, step);
    stream.update(step, groups.flatMap(possibleResults));
  }
  const ranked = rank(groups, plan.n);
  stream.update(
    step - 1,
    ranked.slice(0, 1).map(sequence => sequence.hypothesis),
  );
  return ranked.map(({ hypothesis, ...scores }) => ({ tokenIds: tokenIdsOf(hypothesis), ...scores }));
}

function planNBest(options: NBestOptions): NBestPlan {
  const { width = 4, n = 1, lengthPenalty = 1, earlyStopping = false, groups = 1, diversityPenalty = 0 } = options;
  checkInteger('width', width, 1);
  checkInteger('n', n, 1);
  checkInteger('groups', groups, 1);
  checkFinite('lengthPenalty', lengthPenalty);
  checkFinite('diversityPenalty', diversityPenalty);
  if (n > width) refuse('n', `at most ${width}, the width`, n);
  if (width % groups !== 0) refuse('groups', `a divisor of ${width}, the width`, groups);
  if (diversityPenalty < 0) refuse('diversityPenalty', 'a number of at least 0', diversityPenalty);
  if (diversityPenalty > 0 && groups === 1)
    refuse('diversityPenalty', 'more than one group to go with it', diversityPenalty);
  if (![true, false, 'never'].includes(earlyStopping)) refuse('earlyStopping', "true, false or 'never'", earlyStopping);
  return { ...planRequest(options), width, n, lengthPenalty, earlyStopping, groups, diversityPenalty };
}

function firstGroups({ groups, width, lengthPenalty, earlyStopping, maxLen }: NBestPlan): readonly Group[] {
  const beams = [{ hypothesis: rootHypothesis(), logProbability: 0 }];
  const size = width / groups;
  return Array.from({ length: groups }, () => ({
    beams,
    pool: createFinishedSequences({ size, lengthPenalty, earlyStopping, maxLen }),
    done: false,
  }));
}

/** One step of all groups, in turn: earlier groups' choices weigh on later ones. */
function createGrower(scorer: StepScorer, plan: NBestPlan) {
  const normalizer = createRowNormalizer(scorer.kind, 1);
  const size = plan.width / plan.groups;
  return (groups: readonly Group[], rows: readonly ScoredRow[], step: number): readonly Group[] => {
    const chosen = new Map<number, number>();
    let next = 0;
    return groups.map(group => {
      if (group.done) return group;
      const heads = group.beams.map((beam, index) => {
        const row = step === 0 ? 0 : next + index;
        const scores = rows[row] ?? new Float32Array(0);
        const top = topOf(scores, 2 * size);
        normalizer.prepare(scores, top.values[0] ?? 0, rowPlace(step, row));
        return headOf(scores, { beam, top, normalizer, chosen, plan, step });
      });
      next += group.beams.length;
      const grown = sortOut(group, bestOf(heads, 2 * size), { size, plan });
      for (const { hypothesis } of grown.beams)
        chosen.set(hypothesis.tokenId, (chosen.get(hypothesis.tokenId) ?? 0) + 1);
      return grown;
    });
  };
}

/** The best continuations of a beam, descending: `ids`, and in `values` the sums of log p they lead to. */
interface Head {
  readonly beam: Beam;
  readonly top: Selection;
}

interface HeadSetting extends Head {
  /** Prepared for the row. */
  readonly normalizer: RowNormalizer;
  /** How many beams of earlier groups chose each token at this step. */
  readonly chosen: ReadonlyMap<number, number>;
  readonly plan: NBestPlan;
  readonly step: number;
}

/** Whether processors or a penalty have to see every token. */
function seesWholeRows({ processors, diversityPenalty }: NBestPlan): boolean {
  return processors.length > 0 || diversityPenalty > 0;
}

/** The row, of which `top` are the largest scores, is turned into log probabilities as a whole only where it has to be. */
function headOf(row: ScoredRow, { beam, top, normalizer, chosen, plan, step }: HeadSetting): Head {
  const total = (log: number): number => beam.logProbability + log;
  if (!seesWholeRows(plan) || 'ids' in row) {
    return { beam, top: { ...top, values: top.values.map(score => total(normalizer.logProbability(score))) } };
  }
  const logs = row.map(normalizer.logProbability);
  const context = contextOf(plan, step);
  for (const process of plan.processors) process(logs, beam.hypothesis, context);
  for (const [tokenId, times] of chosen) logs[tokenId] = (logs[tokenId] ?? 0) - plan.diversityPenalty * times;
  const best = topOf(logs, top.count);
  return { beam, top: { ...best, values: best.values.map(total) } };
}

interface Candidate {
  readonly beam: Beam;
  readonly tokenId: number;
  readonly logProbability: number;
}

/** The `count` best of all heads, descending, without those that were ruled out. */
function bestOf(heads: readonly Head[], count: number): readonly Candidate[] {
  const perHead = heads[0]?.top.count ?? 0;
  const totals = new Float64Array(perHead * heads.length);
  for (const [index, { top }] of heads.entries()) totals.set(top.values, index * perHead);
  const best = selectTop(totals, count);
  return Array.from(best.ids, (place, rank) => {
    const { beam, top } = heads[Math.trunc(place / perHead)] as Head;
    return { beam, tokenId: top.ids[place % perHead] ?? 0, logProbability: best.values[rank] ?? 0 };
  }).filter(candidate => candidate.logProbability > Number.NEGATIVE_INFINITY);
}

/** Of `best`, those that end go to the pool if they are among the first `size`, the others are the new beams. */
function sortOut(
  group: Group,
  best: readonly Candidate[],
  { size, plan }: { readonly size: number; readonly plan: NBestPlan },
): Group {
  const beams: Beam[] = [];
  for (const [rank, { beam, tokenId, logProbability }] of best.entries()) {
    const hypothesis = extendHypothesis(beam.hypothesis, tokenId);
    if (tokenId !== plan.endId) beams.push({ hypothesis, logProbability });
    else if (rank < size) group.pool.offer(hypothesis, logProbability, true);
    if (beams.length === size) break;
  }
  const length = (best[0]?.beam.hypothesis.length ?? 0) + 1;
  const done = beams.length === 0 || group.pool.isComplete(best[0]?.logProbability ?? 0, length);
  return { beams, pool: group.pool, done };
}

function possibleResults({ beams, pool, done }: Group): readonly Hypothesis[] {
  const finished = pool.sequences.map(sequence => sequence.hypothesis);
  return done ? finished : [...finished, ...beams.map(beam => beam.hypothesis)];
}

/** Living beams of unfinished groups join their pool; the n best of all pools. */
function rank(groups: readonly Group[], n: number) {
  for (const { beams, pool, done } of groups) {
    if (!done) for (const { hypothesis, logProbability } of beams) pool.offer(hypothesis, logProbability, false);
  }
  return groups
    .flatMap(group => group.pool.sequences)
    .sort((a, b) => b.score - a.score)
    .slice(0, n);
}
