/**
 * The keys and values of all live requests: one lane per request, every lane with the same number of slots, laid out as
 * the step graph reads them, so that a run is fed without a copy. Lanes that take part in a run stand in front.
 *
 * Slots are only ever appended; which of them belong together is the caller's business. Memory grows in buckets, because
 * a run pays for every slot of the layout, used or not.
 *
 * B lanes, N heads, P slots, H head size.
 */
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import type { PastFeeds } from './step-session.ts';

/** One request's slots. Only {@link CacheLanes} changes it. */
export interface Lane {
  /** Place in the layout. */
  readonly index: number;
  /** Slots in use. */
  readonly used: number;
}

interface OwnLane {
  index: number;
  used: number;
}

/** Keys or values of one layer: N heads of `size` numbers a slot. */
interface Store {
  readonly name: string;
  readonly output: string;
  readonly size: number;
  data: Float32Array;
}

/** Slots are added in multiples of this. */
const BUCKET = 16;

/** Owns the cache memory of one step session. */
export class CacheLanes {
  readonly #heads: number;
  readonly #stores: readonly Store[];
  /** Position of each slot, [B, P]; null where the graph does not ask. */
  #positions: BigInt64Array | null;
  readonly #lanes: OwnLane[] = [];
  #slots = 0;
  #capacity = 0;

  constructor({ layers, heads, keySize, headSize }: Dimensions, withPositions: boolean) {
    this.#heads = heads;
    this.#stores = Array.from({ length: layers }, (_, layer) => [
      { name: `past_key.${layer}`, output: `new_key.${layer}`, size: keySize, data: new Float32Array(0) },
      { name: `past_value.${layer}`, output: `new_value.${layer}`, size: headSize, data: new Float32Array(0) },
    ]).flat();
    this.#positions = withPositions ? new BigInt64Array(0) : null;
  }

  /** Names of the graph's cache outputs. */
  get outputs(): readonly string[] {
    return this.#stores.map(store => store.output);
  }

  /** P: slots of every lane in the layout. */
  get slots(): number {
    return this.#slots;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#stores.reduce((sum, store) => sum + store.data.byteLength, 0);
  }

  /** A new lane without slots. */
  add(): Lane {
    if (this.#lanes.length === this.#capacity)
      this.#relayout(Math.max(1, Math.ceil(this.#capacity * 1.5)), this.#slots);
    const lane = { index: this.#lanes.length, used: 0 };
    this.#lanes.push(lane);
    return lane;
  }

  /** Gives a lane's slots back; the memory is kept for the next one until no lane is left. */
  remove(lane: Lane): void {
    const last = this.#lanes.at(-1);
    if (last === undefined || this.#lanes[lane.index] !== lane) return;
    this.#copyLane(last.index, lane.index);
    this.#place(last, lane.index);
    this.#lanes.pop();
    if (this.#lanes.length === 0) this.#relayout(0, 0);
  }

  /** Moves lanes to the front, in this order, and returns the past feeds of a run over them. */
  feeds(lanes: readonly Lane[]): PastFeeds {
    lanes.forEach((lane, index) => {
      this.#swap(lane.index, index);
    });
    const batch = lanes.length;
    const feeds: Record<string, Tensor> = {};
    for (const { name, size, data } of this.#stores) {
      const shape = [batch, this.#heads, this.#slots, size];
      feeds[name] = { dtype: 'float32', shape, data: data.subarray(0, batch * this.#heads * this.#slots * size) };
    }
    if (this.#positions !== null) {
      const data = this.#positions.subarray(0, batch * this.#slots);
      feeds['past_position_ids'] = { dtype: 'int64', shape: [batch, this.#slots], data };
    }
    return feeds;
  }

  /** Takes memory back that a run was lent: a worker returns other arrays than it was given. */
  takeBack(results: Readonly<Record<string, Tensor>>): void {
    for (const store of this.#stores) {
      const result = results[store.name];
      if (result?.dtype === 'float32' && result.data.buffer !== store.data.buffer) {
        store.data = new Float32Array(result.data.buffer);
      }
    }
  }

  /**
   * Appends the first `counts[b]` of a run's R new rows to the lane at `lanes[b]`, with their positions [B, R].
   */
  append(
    lanes: readonly Lane[],
    counts: readonly number[],
    { rows, positions, results }: { rows: number; positions: Int32Array; results: Readonly<Record<string, Tensor>> },
  ): void {
    const needed = Math.max(0, ...lanes.map((lane, b) => lane.used + (counts[b] ?? 0)));
    if (needed > this.#slots) this.#relayout(this.#capacity, bucketFor(needed));
    for (const store of this.#stores) {
      const result = results[store.output];
      if (result?.dtype !== 'float32') continue;
      lanes.forEach((lane, b) => {
        this.#appendTo(store, lane, result.data, { from: b * this.#heads * rows, rows, count: counts[b] ?? 0 });
      });
    }
    lanes.forEach((lane, b) => {
      const own = this.#lanes[lane.index];
      const count = counts[b] ?? 0;
      for (let i = 0; i < count && this.#positions !== null; i++) {
        this.#positions[lane.index * this.#slots + lane.used + i] = BigInt(positions[b * rows + i] ?? 0);
      }
      if (own !== undefined) own.used += count;
    });
  }

  /** Rows [N, R, H] that start at row `from` of `data` go behind the lane's used slots, head by head. */
  #appendTo(
    { size, data: target }: Store,
    lane: Lane,
    data: Float32Array,
    { from, rows, count }: { from: number; rows: number; count: number },
  ): void {
    const length = count * size;
    for (let head = 0; head < this.#heads; head++) {
      const source = (from + head * rows) * size;
      const at = ((lane.index * this.#heads + head) * this.#slots + lane.used) * size;
      // A subarray costs more than copying a row or two by hand.
      if (length > 256) target.set(data.subarray(source, source + length), at);
      else for (let i = 0; i < length; i++) target[at + i] = data[source + i] ?? 0;
    }
  }

  /** New memory for `capacity` lanes of `slots` slots, with everything in use copied over. */
  #relayout(capacity: number, slots: number): void {
    for (const store of this.#stores) {
      const data = new Float32Array(capacity * this.#heads * slots * store.size);
      for (const lane of this.#lanes) {
        for (let head = 0; head < this.#heads; head++) {
          const block = lane.index * this.#heads + head;
          const from = block * this.#slots * store.size;
          data.set(store.data.subarray(from, from + lane.used * store.size), block * slots * store.size);
        }
      }
      store.data = data;
    }
    if (this.#positions !== null) {
      const positions = new BigInt64Array(capacity * slots);
      for (const { index, used } of this.#lanes) {
        const from = index * this.#slots;
        positions.set(this.#positions.subarray(from, from + used), index * slots);
      }
      this.#positions = positions;
    }
    this.#capacity = capacity;
    this.#slots = slots;
  }

  #swap(from: number, to: number): void {
    const [a, b] = [this.#lanes[from], this.#lanes[to]];
    if (from === to || a === undefined || b === undefined) return;
    for (const array of this.#arrays()) {
      const size = array.length / this.#capacity;
      const kept = array.slice(to * size, (to + 1) * size);
      array.copyWithin(to * size, from * size, (from + 1) * size);
      setAll(array, kept, from * size);
    }
    this.#place(a, to);
    this.#place(b, from);
  }

  #copyLane(from: number, to: number): void {
    if (from === to) return;
    for (const array of this.#arrays()) {
      const size = array.length / this.#capacity;
      array.copyWithin(to * size, from * size, (from + 1) * size);
    }
  }

  #place(lane: OwnLane, index: number): void {
    lane.index = index;
    this.#lanes[index] = lane;
  }

  #arrays(): (Float32Array | BigInt64Array)[] {
    const stores = this.#stores.map(store => store.data);
    return this.#positions === null ? stores : [...stores, this.#positions];
  }
}

function setAll(array: Float32Array | BigInt64Array, values: Float32Array | BigInt64Array, at: number): void {
  if (array instanceof Float32Array && values instanceof Float32Array) array.set(values, at);
  else if (array instanceof BigInt64Array && values instanceof BigInt64Array) array.set(values, at);
}

/** Room for some more steps: an eighth, at least a bucket's half. */
function bucketFor(needed: number): number {
  const wanted = needed + Math.max(BUCKET / 2, needed / 8);
  return Math.ceil(wanted / BUCKET) * BUCKET;
}
