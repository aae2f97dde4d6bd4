/**
 * What a cache asks of the memory behind it, and how it counts: in slots. Every head of every lane is a block of as many
 * slots as the layout has, one block after another; a store holds the keys or the values of one layer in this order.
 */
import type { Tensor } from '../core/tensor.ts';

/** Neighbouring slots of the first head of a lane; its other heads follow at a distance. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Slots from one head to the next, where ranges are read and where they are written. */
export interface HeadStrides {
  readonly from: number;
  readonly to: number;
}

/** Neighbouring lanes of the layout, and the slots of each. */
export interface LaneBatch {
  readonly first: number;
  readonly count: number;
  readonly slots: number;
}

/** Memory for keys and values, and runs over it. An area holds some slots of every store. */
export interface LaneMemory<Area> {
  /** Whether it is gone; then changes do nothing. */
  readonly lost: boolean;
  /** The lanes, as the graph reads them. */
  readonly layout: Area;
  /** An area of so many slots. */
  allocate(slots: number): Area;
  /** Gives an area back. */
  free(area: Area): void;
  /** Copies ranges of all heads; within one area, one range that does not overlap with where it goes. */
  copy(source: Area, target: Area, strides: HeadStrides, ranges: readonly SlotRange[]): void;
  /** Makes room for `lanes` lanes of `to` slots, where there were lanes of `from` slots with so many `used`. */
  resize(lanes: number, used: readonly number[], strides: HeadStrides): void;
  /** Runs the graph over lanes, returns one output and keeps the new rows. */
  run(feeds: Readonly<Record<string, Tensor>>, lanes: LaneBatch, output: string): Promise<Float32Array>;
  /** Writes ranges of the new rows to the layout and lets go of all. */
  append(strides: HeadStrides, ranges: readonly SlotRange[]): void;
}

/** The ranges of rows 0, 1, … that go to `slots`, neighbours together; a row whose slot is -1 goes nowhere. */
export function rangesOf(slots: readonly number[]): readonly SlotRange[] {
  const ranges: SlotRange[] = [];
  for (let from = 0; from < slots.length; ) {
    const to = slots[from] ?? 0;
    let count = 1;
    while (to >= 0 && slots[from + count] === to + count) count++;
    if (to >= 0) ranges.push({ from, to, count });
    from += count;
  }
  return ranges;
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
