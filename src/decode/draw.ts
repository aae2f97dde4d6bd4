/**
 * One draw from a row of scores, in the order of operations of bert4keras' `random_sample` (bert4keras/snippets.py,
 * https://github.com/bojone/bert4keras): normalise, cut to the topK largest and renormalise, cut to the smallest set that
 * reaches topP (the token that crosses it included) and renormalise, draw. The draw itself: candidates by falling
 * probability (equal ones by rising id), accumulated in double, the first whose sum exceeds the uniform.
 *
 * Only the head of the order is sorted, and more of it while the draw has not been decided, so that a draw without
 * topK costs no sort of the vocabulary.
 */
import { type RowNormalizer, roundingOf } from './row-normalizer.ts';
import type { ScoreArray } from './scorer.ts';
import { type Selection, selectUntil } from './top-k.ts';
import { type ScoredRow, scoreOf, topOf } from './top-row.ts';

/** The cuts before a draw; null for none. */
export interface Cuts {
  readonly topK: number | null;
  readonly topP: number | null;
}

/** A drawn token. */
export interface Drawn {
  readonly tokenId: number;
  /** Its probability in the row, before any cut. */
  readonly probability: number;
}

/**
 * The candidates that a draw chooses from, by falling probability, renormalised: `ids` and `values` up to `count`. With
 * neither cut all V are listed. `normalizer` must have been prepared for `row`, which must have `topK` tokens.
 */
export function candidatesOf(row: ScoredRow, { topK, topP }: Cuts, normalizer: RowNormalizer): Selection {
  const round = roundingOf(row);
  if (topK === null && topP !== null && !('ids' in row)) {
    const candidates = selectUntil(row, head => cutAtMass(toProbabilities(head, row, normalizer), topP, round));
    return renormalize(candidates, round);
  }
  const candidates = topOf(row, topK ?? Number.POSITIVE_INFINITY);
  toProbabilities(candidates, row, normalizer);
  if (topK !== null) renormalize(candidates, round);
  if (topP === null) return candidates;
  cutAtMass(candidates, topP, round);
  return renormalize(candidates, round);
}

/** Draws a token with `uniform` in [0, 1). `normalizer` must have been prepared for `row`. */
export function draw(row: ScoredRow, cuts: Cuts, normalizer: RowNormalizer, uniform: number): Drawn {
  const tokenId =
    cuts.topK === null && cuts.topP === null && !('ids' in row)
      ? drawFromWhole(row, normalizer, uniform)
      : drawFrom(candidatesOf(row, cuts, normalizer), uniform);
  return { tokenId, probability: normalizer.probability(scoreOf(row, tokenId)) / normalizer.mass };
}

function drawFrom(candidates: Selection, uniform: number): number {
  return candidates.ids[crossing(candidates, uniform * sumOf(candidates)) ?? lastPossible(candidates)] as number;
}

/** As {@link drawFrom} over all V, sorting no more of them than needed. */
function drawFromWhole(row: ScoreArray, normalizer: RowNormalizer, uniform: number): number {
  const isDecided = (head: Selection) => crossing(toProbabilities(head, row, normalizer), uniform) !== null;
  const candidates = selectUntil(row, isDecided);
  const place = crossing(candidates, uniform) ?? lastPossible(candidates);
  return candidates.ids[place] as number;
}

/** Replaces the scores of a selection from `row` by their probabilities. */
function toProbabilities(selection: Selection, row: ScoredRow, normalizer: RowNormalizer): Selection {
  const round = roundingOf(row);
  const mass = round(normalizer.mass);
  const { values, count } = selection;
  for (let i = 0; i < count; i++) values[i] = round(normalizer.probability(values[i] as number) / mass);
  return selection;
}

/** Ends the list at the first place where the sum reaches `topP`; false when it never does. */
function cutAtMass(candidates: Selection, topP: number, round: (x: number) => number): boolean {
  let sum = 0;
  for (let i = 0; i < candidates.count; i++) {
    sum = round(sum + (candidates.values[i] as number));
    if (sum >= topP) {
      candidates.count = i + 1;
      return true;
    }
  }
  return false;
}

function renormalize(candidates: Selection, round: (x: number) => number): Selection {
  const sum = round(sumOf(candidates));
  for (let i = 0; i < candidates.count; i++) candidates.values[i] = round((candidates.values[i] as number) / sum);
  return candidates;
}

function sumOf({ values, count }: Selection): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i] as number;
  return sum;
}

/** First place whose cumulative sum exceeds `bound`; null when none does. */
function crossing({ values, count }: Selection, bound: number): number | null {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += values[i] as number;
    if (sum > bound) return i;
  }
  return null;
}

/** Where rounding leaves a uniform just below 1 uncrossed: the last candidate that has any probability. */
function lastPossible({ values, count }: Selection): number {
  let last = count - 1;
  while (last > 0 && values[last] === 0) last--;
  return last;
}
