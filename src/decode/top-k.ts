/**
 * The k largest entries of a row by partial selection. The largest of about a thousand entries, spread over the row, give a
 * bound that about 2k + V/128 entries of the row reach; one pass finds these, mostly four comparisons that fail at a time, and
 * a bounded min-heap picks the k best among them. Where fewer than k reach the bound, or very many (ties), the heap goes
 * over the whole row: V comparisons and about k·ln(V/k) heap steps. Equal values: the lowest index first, always.
 */
import type { ScoreArray } from './scorer.ts';

/** Selected entries in descending order; only the first `count` places are filled. */
export interface Selection {
  readonly ids: Int32Array;
  readonly values: Float64Array;
  count: number;
}

/** Width of the first selection when nobody knows how many entries will be needed. */
const FIRST_WIDTH = 64;

/** Entries that are looked at for a bound. */
const SAMPLE = 1024;

/** Most entries that may reach the bound. */
const ROOM = 8192;

/** Working memory of one selection, the same for all: none is under way while another begins. */
const sample = new Float64Array(SAMPLE);
const heads = createSelection(ROOM);
const indices = new Int32Array(ROOM);
const reached = new Float64Array(ROOM);

/** An empty selection with room for `capacity` entries. */
function createSelection(capacity: number): Selection {
  return { ids: new Int32Array(capacity), values: new Float64Array(capacity), count: 0 };
}

/**
 * The min(k, row length) largest entries of `row`, descending, equal ones by rising index. Rows that hold NaN must be
 * refused separately: where it goes is not defined.
 */
export function selectTop(row: ScoreArray, k: number): Selection {
  const size = Math.min(k, row.length);
  const into = createSelection(size);
  if (size === 1) return selectLargest(row, into);
  const count = collectLargest(row, size);
  if (count < size) return selectByHeap(row, size, into);
  for (let i = 0; i < count; i++) reached[i] = row[indices[i] as number] as number;
  selectByHeap(reached.subarray(0, count), size, into);
  // Indices ascend, so equal values came out in their order.
  for (let i = 0; i < size; i++) into.ids[i] = indices[into.ids[i] as number] as number;
  return into;
}

/**
 * Puts the indices of all entries from a bound up, ascending, into `indices`; the k largest are among them when there are
 * at least k. Returns how many, 0 where that would not pay.
 */
function collectLargest(row: ScoreArray, k: number): number {
  const stride = Math.ceil(row.length / SAMPLE);
  const rank = Math.min(k, Math.ceil((2 * k) / stride) + 8);
  if (stride < 4 || 2 * rank * stride > ROOM) return 0;
  let taken = 0;
  for (let i = 0; i < row.length; i += stride) sample[taken++] = row[i] as number;
  selectByHeap(sample.subarray(0, taken), rank, heads);
  return collectFrom(row, heads.values[rank - 1] as number);
}

/** Puts the indices of entries from `bound` up into `indices`; returns how many, 0 when they are too many. */
function collectFrom(row: ScoreArray, bound: number): number {
  let count = 0;
  let i = 0;
  for (; i + 3 < row.length; i += 4) {
    const w = (row[i] as number) >= bound;
    const x = (row[i + 1] as number) >= bound;
    const y = (row[i + 2] as number) >= bound;
    const z = (row[i + 3] as number) >= bound;
    if (!(w || x || y || z)) continue;
    if (count + 8 > ROOM) return 0;
    if (w) indices[count++] = i;
    if (x) indices[count++] = i + 1;
    if (y) indices[count++] = i + 2;
    if (z) indices[count++] = i + 3;
  }
  for (; i < row.length; i++) if ((row[i] as number) >= bound) indices[count++] = i;
  return count;
}

/** As {@link selectTop}, by one heap over the whole row. */
function selectByHeap(row: ScoreArray, size: number, into: Selection): Selection {
  into.count = size;
  const { ids, values } = into;
  for (let i = 0; i < size; i++) {
    ids[i] = i;
    values[i] = row[i] as number;
  }
  for (let node = (size >> 1) - 1; node >= 0; node--) sink(into, node, size);
  replaceSmaller(row, size, into);
  for (let end = size - 1; end > 0; end--) {
    exchange(into, 0, end);
    sink(into, 0, end);
  }
  return into;
}

/**
 * The largest entries, descending, as many as `isEnough` asks for: it is shown selections of growing width (64, 256, …)
 * until it is content or the whole row is sorted. `isEnough` may lower `count`.
 */
export function selectUntil(row: ScoreArray, isEnough: (head: Selection) => boolean): Selection {
  for (let width = FIRST_WIDTH; ; width *= 4) {
    const head = selectTop(row, width);
    if (isEnough(head) || width >= row.length) return head;
  }
}

/** Entries whose largest is found at a time. */
const PIECE = 1024;

/** Index of the largest entry, the lowest one among equals; 0 when all are NaN. */
export function argMax(row: ScoreArray): number {
  let best = Number.NEGATIVE_INFINITY;
  let piece = 0;
  for (let from = 0; from < row.length; from += PIECE) {
    const largest = maximum(row, from, Math.min(from + PIECE, row.length));
    if (!(largest > best)) continue;
    best = largest;
    piece = from;
  }
  return Math.max(0, row.indexOf(best, piece));
}

/** The largest entry of a piece; four running maxima keep the processor from waiting for each comparison. */
function maximum(row: ScoreArray, from: number, end: number): number {
  let a = Number.NEGATIVE_INFINITY;
  let b = a;
  let c = a;
  let d = a;
  let i = from;
  for (; i + 3 < end; i += 4) {
    const w = row[i] as number;
    const x = row[i + 1] as number;
    const y = row[i + 2] as number;
    const z = row[i + 3] as number;
    if (w > a) a = w;
    if (x > b) b = x;
    if (y > c) c = y;
    if (z > d) d = z;
  }
  for (; i < end; i++) if ((row[i] as number) > a) a = row[i] as number;
  return Math.max(a, b, c, d);
}

/** Puts every later entry that beats the worst of the heap in its place. */
function replaceSmaller(row: ScoreArray, size: number, heap: Selection): void {
  const { ids, values } = heap;
  let bound = values[0] as number;
  for (let i = size; i < row.length; i++) {
    const value = row[i] as number;
    if (value > bound) {
      ids[0] = i;
      values[0] = value;
      sink(heap, 0, size);
      bound = values[0] as number;
    }
  }
}

function selectLargest(row: ScoreArray, into: Selection): Selection {
  const best = argMax(row);
  into.count = 1;
  into.ids[0] = best;
  into.values[0] = row[best] as number;
  return into;
}

/** Moves the entry at `node` down until no child within `size` comes after it in the final order. */
function sink(heap: Selection, node: number, size: number): void {
  const { ids, values } = heap;
  const id = ids[node] as number;
  const value = values[node] as number;
  let hole = node;
  for (let child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
    if (child + 1 < size && isAfter(heap, child + 1, values[child] as number, ids[child] as number)) child++;
    if (!isAfter(heap, child, value, id)) break;
    ids[hole] = ids[child] as number;
    values[hole] = values[child] as number;
    hole = child;
  }
  ids[hole] = id;
  values[hole] = value;
}

/** Whether entry `place` comes after (`value`, `id`) in the final order: smaller, or equal with a higher id. */
function isAfter({ ids, values }: Selection, place: number, value: number, id: number): boolean {
  const other = values[place] as number;
  return other < value || (other === value && (ids[place] as number) > id);
}

function exchange({ ids, values }: Selection, a: number, b: number): void {
  const id = ids[a] as number;
  const value = values[a] as number;
  ids[a] = ids[b] as number;
  values[a] = values[b] as number;
  ids[b] = id;
  values[b] = value;
}
