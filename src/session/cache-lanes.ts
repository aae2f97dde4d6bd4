/**
 * The keys and values of all live requests: one lane per request, every lane with the same number of slots, laid out as
 * the step graph reads them. Lanes of a run stand side by side, so that it is fed without a copy; a lane that rests keeps
 * its slots elsewhere and costs others nothing.
 *
 * Which slot holds what is the caller's business. Memory grows in buckets, because a run pays for every slot of the
 * layout, used or not.
 *
 * B lanes, N heads, P slots, R new rows, H head size.
 */
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Blocks, bucketFor, copyBlocks, moveBlocks, rangesOf } from './lane-memory.ts';

/** One request's slots. Only {@link CacheLanes} changes it. */
export interface Lane {
  /** Place in the layout; -1 while it rests. */
  readonly index: number;
  /** One more than the last slot in use. */
  readonly used: number;
}

interface OwnLane {
  index: number;
  used: number;
  /** Keys and values [N, used, H] of a resting lane, store by store. */
  resting: readonly Float32Array[];
}

/** Keys or values of one layer: N heads of `size` numbers a slot, [B, N, P, size]. */
interface Store {
  readonly name: string;
  readonly output: string;
  readonly size: number;
  data: Float32Array;
}

/** Rows that a run returned for one lane, and the slots they go to. */
export interface NewRows {
  readonly lane: Lane;
  readonly slots: readonly number[];
}

/** Owns the cache memory of one step session. */
export class CacheLanes {
  readonly #heads: number;
  readonly #slotBytes: number;
  readonly #stores: readonly Store[];
  readonly #lanes: OwnLane[] = [];
  readonly #resting = new Set<OwnLane>();
  #slots = 0;

  /** @param place `elsewhere`: the same lanes and slots without memory, to know where another's lie. */
  constructor({ layers, heads, keySize, headSize }: Dimensions, place: 'here' | 'elsewhere' = 'here') {
    this.#heads = heads;
    this.#slotBytes = layers * heads * (keySize + headSize) * Float32Array.BYTES_PER_ELEMENT;
    this.#stores = Array.from({ length: place === 'here' ? layers : 0 }, (_, layer) => [
      { name: `past_key.${layer}`, output: `new_key.${layer}`, size: keySize, data: new Float32Array(0) },
      { name: `past_value.${layer}`, output: `new_value.${layer}`, size: headSize, data: new Float32Array(0) },
    ]).flat();
  }

  /** Names of the graph's cache outputs. */
  get outputs(): readonly string[] {
    return this.#stores.map(store => store.output);
  }

  /** P: slots of every lane in the layout. */
  get slots(): number {
    return this.#slots;
  }

  /** Bytes of the layout and of resting lanes. */
  get bytes(): number {
    const resting = [...this.#resting].reduce((sum, { used }) => sum + used, 0);
    return (this.#lanes.length * this.#slots + resting) * this.#slotBytes;
  }

  /** Whether a run that failed took memory along, as a worker does that dies. */
  get lost(): boolean {
    return this.#lanes.length * this.#slots > 0 && this.#stores.some(store => store.data.length === 0);
  }

  /** A new lane without slots. */
  add(): Lane {
    return this.#enter({ index: -1, used: 0, resting: [] });
  }

  /** Gives a lane's slots back, and memory once little of it is used. */
  remove(lane: Lane): void {
    const own = this.#own(lane);
    if (own === undefined) return;
    if (!this.#resting.delete(own)) this.#leave(own);
  }

  /** Takes a lane out of the layout until a run needs it. */
  rest(lane: Lane): void {
    const own = this.#own(lane);
    if (own === undefined || own.index < 0) return;
    own.resting = this.#stores.map(store => {
      const data = new Float32Array(this.#heads * own.used * store.size);
      const length = own.used * store.size;
      const target = { data, from: 0, stride: length };
      copyBlocks(this.#blocksOf(store, own.index), target, this.#heads, { from: 0, to: 0, length });
      return data;
    });
    this.#leave(own);
    this.#resting.add(own);
  }

  /** Makes lanes neighbours, in any order. */
  gather(lanes: readonly Lane[]): void {
    const wanted = new Set<Lane>(lanes);
    for (const own of [...this.#resting]) if (wanted.has(own)) this.#wake(own);
    const first = Math.min(...lanes.map(lane => lane.index));
    const together = lanes.every(lane => lane.index < first + wanted.size);
    if (!together) this.#bringForward(wanted);
  }

  /** The past feeds of a run over neighbouring lanes, given in their order. */
  feeds(lanes: readonly Lane[]): Readonly<Record<string, Tensor>> {
    const batch = lanes.length;
    const first = lanes[0]?.index ?? 0;
    const feeds: Record<string, Tensor> = {};
    for (const { name, size, data } of this.#stores) {
      const shape = [batch, this.#heads, this.#slots, size];
      const length = this.#heads * this.#slots * size;
      feeds[name] = { dtype: 'float32', shape, data: data.subarray(first * length, (first + batch) * length) };
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

  /** Writes the leading rows of each lane of a run, of its `rows` R, to their slots. */
  append(batch: readonly NewRows[], rows: number, results: Readonly<Record<string, Tensor>>): void {
    const ranges = batch.map(({ slots }) => rangesOf(slots));
    const ends = ranges.map(own => Math.max(0, ...own.map(({ slot, count }) => slot + count)));
    const needed = Math.max(...ends);
    if (needed > this.#slots) this.#layOut(this.#lanes.length, bucketFor(needed));
    for (const store of this.#stores) {
      const result = results[store.output];
      if (result?.dtype !== 'float32') continue;
      const stride = rows * store.size;
      batch.forEach(({ lane }, b) => {
        const source = { data: result.data, from: b * this.#heads * stride, stride };
        const target = this.#blocksOf(store, lane.index);
        for (const { row, slot, count } of ranges[b] ?? []) {
          const places = { from: row * store.size, to: slot * store.size, length: count * store.size };
          copyBlocks(source, target, this.#heads, places);
        }
      });
    }
    batch.forEach(({ lane }, b) => {
      const own = this.#own(lane);
      if (own !== undefined) own.used = Math.max(own.used, ends[b] ?? 0);
    });
  }

  /** The heads of one lane in a store. */
  #blocksOf({ data, size }: Store, index: number): Blocks {
    const stride = this.#slots * size;
    return { data, from: index * this.#heads * stride, stride };
  }

  /** Puts a lane at the end of the layout. */
  #enter(lane: OwnLane): OwnLane {
    this.#layOut(this.#lanes.length + 1, lane.used > this.#slots ? bucketFor(lane.used) : this.#slots);
    this.#place(lane, this.#lanes.length);
    return lane;
  }

  #wake(lane: OwnLane): void {
    this.#resting.delete(lane);
    this.#enter(lane);
    this.#stores.forEach((store, i) => {
      const length = lane.used * store.size;
      const data = lane.resting[i] ?? new Float32Array(0);
      const source = { data, from: 0, stride: length };
      copyBlocks(source, this.#blocksOf(store, lane.index), this.#heads, { from: 0, to: 0, length });
    });
    lane.resting = [];
  }

  /** Takes a lane out; the last one takes its place. */
  #leave(lane: OwnLane): void {
    const last = this.#lanes.at(-1);
    if (last === undefined) return;
    if (last !== lane) {
      for (const store of this.#stores) {
        const size = this.#heads * this.#slots * store.size;
        store.data.copyWithin(lane.index * size, last.index * size, (last.index + 1) * size);
      }
      this.#place(last, lane.index);
    }
    this.#lanes.pop();
    lane.index = -1;
    this.#shrink();
  }

  #shrink(): void {
    const slots = bucketFor(Math.max(0, ...this.#lanes.map(({ used }) => used)));
    this.#layOut(this.#lanes.length, slots * 2 <= this.#slots ? slots : this.#slots);
  }

  /** Swaps the wanted lanes with those that stand in front of them. */
  #bringForward(wanted: ReadonlySet<Lane>): void {
    const misplaced = [...wanted].filter(lane => lane.index >= wanted.size);
    for (let index = 0; index < wanted.size; index++) {
      const there = this.#lanes[index];
      if (there === undefined || wanted.has(there)) continue;
      const lane = this.#own(misplaced.pop());
      if (lane !== undefined) this.#swap(lane, there);
    }
  }

  #swap(a: OwnLane, b: OwnLane): void {
    for (const store of this.#stores) {
      const size = this.#heads * this.#slots * store.size;
      const kept = store.data.slice(b.index * size, (b.index + 1) * size);
      store.data.copyWithin(b.index * size, a.index * size, (a.index + 1) * size);
      store.data.set(kept, a.index * size);
    }
    const index = a.index;
    this.#place(a, b.index);
    this.#place(b, index);
  }

  #place(lane: OwnLane, index: number): void {
    lane.index = index;
    this.#lanes[index] = lane;
  }

  #own(lane: Lane | undefined): OwnLane | undefined {
    if (lane === undefined) return undefined;
    if (lane.index >= 0) return this.#lanes[lane.index] === lane ? this.#lanes[lane.index] : undefined;
    return [...this.#resting].find(other => other === lane);
  }

  /** Makes room for so many lanes of so many slots, in place where the memory suffices. */
  #layOut(lanes: number, slots: number): void {
    for (const store of this.#stores) {
      const needed = lanes * this.#heads * slots * store.size;
      const fits = needed <= store.data.length && needed * 4 >= store.data.length;
      // More than is needed now: it is not touched, so it takes no memory before it is used.
      const data = fits ? store.data : new Float32Array(Math.ceil(needed * 1.5));
      if (data !== store.data || slots !== this.#slots) {
        moveBlocks(store.data, data, this.#filled(store.size), {
          before: this.#slots * store.size,
          now: slots * store.size,
        });
      }
      store.data = data;
    }
    this.#slots = slots;
  }

  /** Numbers in use of each head of each lane, in the order in which they lie. */
  #filled(size: number): readonly number[] {
    return this.#lanes.flatMap(({ used }) => new Array<number>(this.#heads).fill(used * size));
  }
}
