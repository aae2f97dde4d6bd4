/**
 * One draw from a row of scores, in the order of operations of bert4keras' `random_sample` (bert4keras/snippets.py,
 * https://github.com/bojone/bert4keras): normalise, cut to the topK largest and renormalise, cut to the smallest set that
 * reaches topP (the token that crosses it included) and renormalise, draw. The draw itself: candidates by falling
 * probability (equal ones by rising id), accumulated in double, the first whose sum exceeds the uniform.
 *
 * Only the head of the order is sorted, and more of it while the draw has not been decided, so that a draw without
 * topK costs no sort of the vocabulary.
 */
import type { RowNormalizer } from './row-normalizer.ts';
import type { ScoreArray } from './scorer.ts';
import { createSelection, type Selection, selectTop } from './top-k.ts';

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

/** Candidates sorted without a topK at first; grows sixteenfold while that is not enough. */
const FIRST_WIDTH = 64;

/**
 * The candidates that a draw chooses from, by falling probability, renormalised: `ids` and `values` up to `count`. With
 * neither cut all V are listed. `normalizer` must have been prepared for `row`.
 */
export function candidatesOf(row: ScoreArray, cuts: Cuts, normalizer: RowNormalizer): Selection {
  for (let width = cuts.topK ?? (cuts.topP === null ? row.length : FIRST_WIDTH); ; width *= 16) {
    const candidates = probabilitiesOf(row, width, normalizer);
    const isWhole = candidates.count === Math.min(cuts.topK ?? row.length, row.length);
    if (cuts.topK !== null) renormalize(candidates, roundingOf(row));
    if (cuts.topP === null) return candidates;
    if (cutAtMass(candidates, cuts.topP, roundingOf(row)) || isWhole) {
      renormalize(candidates, roundingOf(row));
      return candidates;
    }
  }
}

/** Draws a token with `uniform` in [0, 1). `normalizer` must have been prepared for `row`. */
export function draw(row: ScoreArray, cuts: Cuts, normalizer: RowNormalizer, uniform: number): Drawn {
  const tokenId =
    cuts.topK === null && cuts.topP === null
      ? drawFromWhole(row, normalizer, uniform)
      : drawFrom(candidatesOf(row, cuts, normalizer), uniform);
  return { tokenId, probability: normalizer.probability(row[tokenId] as number) / normalizer.mass };
}

function drawFrom(candidates: Selection, uniform: number): number {
  return candidates.ids[crossing(candidates, uniform * sumOf(candidates)) ?? lastPossible(candidates)] as number;
}

/** As {@link drawFrom} over all V, sorting no more of them than needed. */
function drawFromWhole(row: ScoreArray, normalizer: RowNormalizer, uniform: number): number {
  for (let width = FIRST_WIDTH; width < row.length; width *= 16) {
    const head = probabilitiesOf(row, width, normalizer);
    const place = crossing(head, uniform);
    if (place !== null) return head.ids[place] as number;
  }
  return drawFrom(probabilitiesOf(row, row.length, normalizer), uniform);
}

function probabilitiesOf(row: ScoreArray, width: number, normalizer: RowNormalizer): Selection {
  const top = createSelection(Math.min(width, row.length));
  selectTop(row, width, top);
  const round = roundingOf(row);
  const mass = round(normalizer.mass);
  for (let i = 0; i < top.count; i++) top.values[i] = round(normalizer.probability(top.values[i] as number) / mass);
  return top;
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

function renormalize(candidates: Selection, round: (x: number) => number): void {
  const sum = round(sumOf(candidates));
  for (let i = 0; i < candidates.count; i++) candidates.values[i] = round((candidates.values[i] as number) / sum);
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

function roundingOf(row: ScoreArray): (x: number) => number {
  return row instanceof Float32Array ? Math.fround : identity;
}

function identity(x: number): number {
  return x;
}
