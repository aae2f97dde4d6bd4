/**
 * Where the numbers of a cache lie: every head of every lane is a block of as many slots as the layout has, one after
 * another. Copies between such blocks, and moves of all of them when the number of slots changes.
 */

/** Blocks of one head after another: `stride` numbers from one to the next. */
export interface Blocks {
  readonly data: Float32Array;
  readonly from: number;
  readonly stride: number;
}

/** Neighbouring rows that go to neighbouring slots. */
export interface SlotRange {
  readonly row: number;
  readonly slot: number;
  readonly count: number;
}

/** The slots of rows 0, 1, …, neighbours together. */
export function rangesOf(slots: readonly number[]): readonly SlotRange[] {
  const ranges: SlotRange[] = [];
  for (let row = 0; row < slots.length; ) {
    const slot = slots[row] ?? 0;
    let count = 1;
    while (slots[row + count] === slot + count) count++;
    ranges.push({ row, slot, count });
    row += count;
  }
  return ranges;
}

/** Longest copy that a loop does faster than `set` over a `subarray`, which takes 0.3 µs to begin. */
const SHORT = 512;

/** Copies `length` numbers of each of the first `count` blocks, from offset `from` in it to offset `to`. */
export function copyBlocks(
  source: Blocks,
  target: Blocks,
  count: number,
  { from, to, length }: { readonly from: number; readonly to: number; readonly length: number },
): void {
  const [input, output] = [source.data, target.data];
  for (let block = 0; block < count; block++) {
    const first = source.from + block * source.stride + from;
    const place = target.from + block * target.stride + to;
    if (length > SHORT) output.set(input.subarray(first, first + length), place);
    else copyShort(input, first, output, { place, length });
  }
}

/** Four at a time: what a row costs is mostly the wait for its memory, and shorter code waits for more rows at once. */
function copyShort(
  input: Float32Array,
  first: number,
  output: Float32Array,
  { place, length }: { readonly place: number; readonly length: number },
): void {
  const whole = length - (length % 4);
  for (let i = 0; i < whole; i += 4) {
    output[place + i] = input[first + i] as number;
    output[place + i + 1] = input[first + i + 1] as number;
    output[place + i + 2] = input[first + i + 2] as number;
    output[place + i + 3] = input[first + i + 3] as number;
  }
  for (let i = whole; i < length; i++) output[place + i] = input[first + i] as number;
}

/**
 * Moves all blocks to where they lie when each is `now` numbers long instead of `before`; of each the leading `filled`
 * numbers count. Within one array, from the end that grows.
 */
export function moveBlocks(
  source: Float32Array,
  target: Float32Array,
  filled: readonly number[],
  { before, now }: { readonly before: number; readonly now: number },
): void {
  const last = filled.length - 1;
  for (let i = 0; i <= last; i++) {
    const block = now > before ? last - i : i;
    const from = block * before;
    const end = from + (filled[block] ?? 0);
    if (target === source) target.copyWithin(block * now, from, end);
    else target.set(source.subarray(from, end), block * now);
  }
}

/** Slots are added in multiples of this. */
const BUCKET = 16;

/**
 * Room for `needed` slots and some more steps. A lane's slot costs each run one reading, a larger layout one copy of what
 * is there; the sum is least where sqrt(4 P) slots or so are added, which an eighth and at least a bucket comes near to up
 * to P = 1024.
 */
export function bucketFor(needed: number): number {
  const wanted = needed + Math.max(BUCKET, needed / 8);
  return Math.ceil(wanted / BUCKET) * BUCKET;
}
