/**
 * The k largest entries of a row by partial selection: one pass with a bounded min-heap, so that a row of V scores costs
 * V comparisons and about k·ln(V/k) heap steps instead of a sort. Equal values: the lowest index first, always.
 */
import type { ScoreArray } from './scorer.ts';

/** Selected entries in descending order; only the first `count` places are filled. Meant to be reused. */
export interface Selection {
  readonly ids: Int32Array;
  readonly values: Float64Array;
  count: number;
}

/** Width of the first selection when nobody knows how many entries will be needed. */
const FIRST_WIDTH = 64;

/** An empty selection with room for `capacity` entries. */
export function createSelection(capacity: number): Selection {
  return { ids: new Int32Array(capacity), values: new Float64Array(capacity), count: 0 };
}

/**
 * Fills `into` with the min(k, row length) largest entries of `row`, descending, equal ones by rising index. `k` must not
 * exceed the capacity of `into`. NaN entries are never selected over others; check rows for them separately.
 */
export function selectTop(row: ScoreArray, k: number, into: Selection): void {
  const count = Math.min(k, row.length);
  into.count = count;
  if (count === 1) {
    selectLargest(row, into);
    return;
  }
  const { ids, values } = into;
  for (let i = 0; i < count; i++) {
    ids[i] = i;
    values[i] = row[i] as number;
  }
  for (let i = (count >> 1) - 1; i >= 0; i--) siftDown(into, i, count);
  for (let i = count; i < row.length; i++) {
    const value = row[i] as number;
    if (value > (values[0] as number)) {
      values[0] = value;
      ids[0] = i;
      siftDown(into, 0, count);
    }
  }
  for (let end = count - 1; end > 0; end--) {
    exchange(into, 0, end);
    siftDown(into, 0, end);
  }
}

/**
 * The largest entries, descending, as many as `isEnough` asks for: it is shown selections of growing width (64, 1024, …)
 * until it is content or the whole row is sorted. `isEnough` may lower `count`.
 */
export function selectUntil(row: ScoreArray, isEnough: (head: Selection) => boolean): Selection {
  for (let width = FIRST_WIDTH; ; width *= 16) {
    const head = createSelection(Math.min(width, row.length));
    selectTop(row, width, head);
    if (isEnough(head) || width >= row.length) return head;
  }
}

/** Index of the largest entry, the lowest one among equals. */
export function argMax(row: ScoreArray): number {
  let best = 0;
  let value = row[0] as number;
  for (let i = 1; i < row.length; i++) {
    const candidate = row[i] as number;
    if (candidate > value) {
      value = candidate;
      best = i;
    }
  }
  return best;
}

function selectLargest(row: ScoreArray, into: Selection): void {
  const best = argMax(row);
  into.ids[0] = best;
  into.values[0] = row[best] as number;
}

/** Moves entry `i` down until no child within `size` comes after it in the final order. */
function siftDown(heap: Selection, start: number, size: number): void {
  let i = start;
  for (;;) {
    let worst = i;
    for (let child = 2 * i + 1; child <= 2 * i + 2; child++) {
      if (child < size && isWorse(heap, child, worst)) worst = child;
    }
    if (worst === i) return;
    exchange(heap, i, worst);
    i = worst;
  }
}

function isWorse({ ids, values }: Selection, a: number, b: number): boolean {
  const left = values[a] as number;
  const right = values[b] as number;
  return left < right || (left === right && (ids[a] as number) > (ids[b] as number));
}

function exchange({ ids, values }: Selection, a: number, b: number): void {
  const id = ids[a] as number;
  const value = values[a] as number;
  ids[a] = ids[b] as number;
  values[a] = values[b] as number;
  ids[b] = id;
  values[b] = value;
}
