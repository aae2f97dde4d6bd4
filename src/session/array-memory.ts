/**
 * Memory of a cache in JavaScript's arrays, which each run reads. Where the session is in another thread, each run is lent
 * them.
 */
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import { float32Output } from './float32-output.ts';
import type { HeadStrides, LaneBatch, LaneMemory, SlotRange } from './lane-memory.ts';
import type { GraphSession } from './session.ts';
import { type Store, storesOf } from './stores.ts';

/** The array of each store. */
export type Arrays = Float32Array[];

/** Memory in this thread. */
export class ArrayMemory implements LaneMemory<Arrays> {
  layout: Arrays;
  readonly #session: GraphSession;
  readonly #heads: number;
  readonly #stores: readonly Store[];
  #rows: Arrays = [];
  /**
   * What each store had before all lanes went, as long as nobody collects it. New memory costs a page fault for every 4 kB,
   * eight times what writing them does.
   */
  readonly #spare: (WeakRef<Float32Array> | undefined)[] = [];
  /** Slots that the layout must have. */
  #needed = 0;

  constructor(session: GraphSession, dimensions: Dimensions) {
    this.#session = session;
    this.#heads = dimensions.heads;
    this.#stores = storesOf(dimensions);
    this.layout = this.allocate(0);
  }

  /** A worker that dies in a run takes the arrays along. */
  get lost(): boolean {
    return this.#needed > 0 && this.layout.some(data => data.length === 0);
  }

  allocate(slots: number): Arrays {
    return this.#stores.map(({ size }) => new Float32Array(slots * size));
  }

  free(area: Arrays): void {
    area.length = 0;
  }

  copy(source: Arrays, target: Arrays, strides: HeadStrides, ranges: readonly SlotRange[]): void {
    if (this.lost) return;
    this.#stores.forEach(({ size }, i) => {
      const [input, output] = [source[i], target[i]];
      if (input === undefined || output === undefined) return;
      for (const { from, to, count } of ranges) {
        copyBlocks(
          { data: input, from: from * size, stride: strides.from * size },
          { data: output, from: to * size, stride: strides.to * size },
          { count: this.#heads, length: count * size },
        );
      }
    });
  }

  /** In place where the memory suffices. */
  resize(lanes: number, used: readonly number[], { from: before, to: now }: HeadStrides): void {
    this.#needed = lanes * this.#heads * now;
    this.layout = this.layout.map((old, i) => {
      const size = this.#stores[i]?.size ?? 0;
      const data = this.#fitting(i, old, this.#needed * size);
      if (data !== old || before !== now) {
        const filled = used.flatMap(count => new Array<number>(this.#heads).fill(count * size));
        moveBlocks(old, data, filled, { before: before * size, now: now * size });
      }
      return data;
    });
  }

  /** Memory for `needed` numbers and not for many more: what a store has, what it had last, or new. */
  #fitting(store: number, old: Float32Array, needed: number): Float32Array {
    const fits = (data: Float32Array): boolean => needed <= data.length && needed * 4 >= data.length;
    if (fits(old)) return old;
    if (needed === 0) this.#spare[store] = new WeakRef(old);
    const spare = this.#spare[store]?.deref();
    if (spare === undefined || !fits(spare)) {
      // More than is needed now: it is not touched, so it takes no memory before it is used.
      return new Float32Array(Math.ceil(needed * 1.5));
    }
    this.#spare[store] = undefined;
    return spare;
  }

  async run(feeds: Readonly<Record<string, Tensor>>, lanes: LaneBatch, output: string): Promise<Float32Array> {
    const past = lanes.count === 0 ? {} : this.#feeds(lanes);
    const fetches = [output, ...this.#stores.map(({ output }) => output)];
    const results = await this.#session.run({ ...feeds, ...past }, fetches, Object.keys(past));
    this.#stores.forEach(({ name }, i) => {
      const returned = results[name];
      // A worker returns other arrays than it was lent.
      if (returned !== undefined) this.layout[i] = new Float32Array(returned.data.buffer);
    });
    this.#rows = this.#stores.map(({ output }) => float32Output(results, output).data);
    return float32Output(results, output).data;
  }

  append(strides: HeadStrides, ranges: readonly SlotRange[]): void {
    this.copy(this.#rows, this.layout, strides, ranges);
    this.#rows = [];
  }

  #feeds({ first, count, slots }: LaneBatch): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    this.#stores.forEach(({ name, size }, i) => {
      const length = this.#heads * slots * size;
      const data = (this.layout[i] ?? new Float32Array(0)).subarray(first * length, (first + count) * length);
      feeds[name] = { dtype: 'float32', shape: [count, this.#heads, slots, size], data };
    });
    return feeds;
  }
}

/** Blocks of one head after another: `stride` numbers from one to the next. */
export interface Blocks {
  readonly data: Float32Array;
  readonly from: number;
  readonly stride: number;
}

/** Longest copy that a loop does faster than `set` over a `subarray`, which takes 0.3 µs to begin. */
const SHORT = 512;

/** Copies the first `length` numbers of each of `count` blocks. */
export function copyBlocks(
  source: Blocks,
  target: Blocks,
  { count, length }: { readonly count: number; readonly length: number },
): void {
  const [input, output] = [source.data, target.data];
  for (let block = 0; block < count; block++) {
    const first = source.from + block * source.stride;
    const place = target.from + block * target.stride;
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
