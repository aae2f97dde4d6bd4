/**
 * The places of all live requests: one lane per request, every lane with the same number of slots, laid out as the step
 * graph reads them. Lanes of a run stand side by side, so that it is fed without a copy; a lane that rests keeps its slots
 * elsewhere and costs others nothing. Where keys and values really are, in arrays or on a GPU, the rules are the same.
 *
 * Which slot holds what is the caller's business. Memory grows in buckets, because a run pays for every slot of the
 * layout, used or not.
 *
 * B lanes, N heads, P slots, R new rows, H head size.
 */
import type { Dimensions } from '../core/manifest.ts';
import { bucketFor, type LaneMemory, rangesOf } from './lane-memory.ts';

/** One request's slots. Only {@link CacheLanes} changes it. */
export interface Lane {
  /** Place in the layout; -1 while it rests. */
  readonly index: number;
  /** One more than the last slot in use. */
  readonly used: number;
}

interface OwnLane<Area> {
  index: number;
  used: number;
  /** Its keys and values, [N, used, H], while they are out of the layout. */
  aside?: Area | undefined;
}

/** Rows that a run returned for one lane, and the slots they go to; -1 for a row that is not kept. */
export interface NewRows {
  readonly lane: Lane;
  readonly slots: readonly number[];
}

/** Knows where every lane of one step session lies, and moves what is in memory. */
export class CacheLanes<Area> {
  readonly #heads: number;
  readonly #slotBytes: number;
  readonly #memory: LaneMemory<Area> | undefined;
  readonly #lanes: OwnLane<Area>[] = [];
  readonly #resting = new Set<OwnLane<Area>>();
  /** Places in the layout that were given back, each with a lane that nobody has yet. */
  readonly #vacant = new Set<OwnLane<Area>>();
  #slots = 0;

  /** @param memory left out, these are the same lanes and slots as another's with memory, to know where that has them. */
  constructor({ layers, heads, keySize, headSize }: Dimensions, memory?: LaneMemory<Area>) {
    this.#heads = heads;
    this.#slotBytes = layers * heads * (keySize + headSize) * Float32Array.BYTES_PER_ELEMENT;
    this.#memory = memory;
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

  /** New lanes, with memory for so many slots in each: what others have left is still there now, and later may not be. */
  add(count: number, room: number): readonly Lane[] {
    const vacant = [...this.#vacant].slice(0, count);
    for (const lane of vacant) this.#vacant.delete(lane);
    const lanes = Array.from({ length: count }, (_, i) => vacant[i] ?? { index: -1, used: 0 });
    this.#enter(lanes.slice(vacant.length), room);
    return lanes;
  }

  /**
   * Gives a lane's slots back. Its place waits for a new lane, and is closed before the next run: nothing is moved while
   * lanes go one after another.
   */
  remove(lane: Lane): void {
    const own = this.#own(lane);
    if (own === undefined) return;
    if (!this.#resting.delete(own)) this.#vacate(own);
    else if (own.aside !== undefined) this.#memory?.free(own.aside);
  }

  /** Takes a lane out of the layout until a run needs it. */
  rest(lane: Lane): void {
    const own = this.#own(lane);
    // A lane without slots stays: nobody gathers it before its first rows come.
    if (own === undefined || own.index < 0 || own.used === 0) return;
    this.#take(own);
    this.#leave(own);
    this.#closeVacant();
    this.#resting.add(own);
  }

  /** Makes lanes neighbours, in any order. */
  gather(lanes: readonly Lane[]): void {
    const wanted = new Set<Lane>(lanes);
    for (const own of [...this.#resting]) if (wanted.has(own)) this.#wake(own);
    this.#closeVacant();
    const first = Math.min(...lanes.map(lane => lane.index));
    const together = lanes.every(lane => lane.index < first + wanted.size);
    if (!together) this.#bringForward(wanted);
  }

  /** Writes the leading rows of each lane of a run, of its `rows` R, to their slots. */
  append(batch: readonly NewRows[], rows: number): void {
    const placed = batch.map(({ slots }) => rangesOf(slots));
    const ends = placed.map(ranges => Math.max(0, ...ranges.map(({ to, count }) => to + count)));
    const needed = Math.max(...ends);
    if (needed > this.#slots) this.#layOut(this.#lanes.length, bucketFor(needed));
    const ranges = batch.flatMap(({ lane }, b) => {
      const [source, target] = [b * this.#heads * rows, this.#start(lane.index)];
      return (placed[b] ?? []).map(({ from, to, count }) => ({ from: source + from, to: target + to, count }));
    });
    this.#memory?.append({ from: rows, to: this.#slots }, ranges);
    batch.forEach(({ lane }, b) => {
      const own = this.#own(lane);
      if (own !== undefined) own.used = Math.max(own.used, ends[b] ?? 0);
    });
  }

  /** First slot of a place in the layout. */
  #start(index: number): number {
    return index * this.#heads * this.#slots;
  }

  /** Puts lanes at the end of the layout, where all have so many slots at least. */
  #enter(lanes: readonly OwnLane<Area>[], slots: number): void {
    this.#layOut(this.#lanes.length + lanes.length, slots > this.#slots ? bucketFor(slots) : this.#slots);
    for (const lane of lanes) this.#place(lane, this.#lanes.length);
  }

  #wake(lane: OwnLane<Area>): void {
    this.#resting.delete(lane);
    this.#enter([lane], lane.used);
    this.#put(lane);
  }

  /** Copies a lane's slots out of the layout. */
  #take(lane: OwnLane<Area>): void {
    const { used: count } = lane;
    const memory = this.#memory;
    if (memory === undefined) return;
    lane.aside = memory.allocate(this.#heads * count);
    memory.copy(memory.layout, lane.aside, { from: this.#slots, to: count }, [
      { from: this.#start(lane.index), to: 0, count },
    ]);
  }

  /** Moves slots that were taken out to the lane's place. */
  #put(lane: OwnLane<Area>): void {
    const { used: count, aside } = lane;
    const memory = this.#memory;
    if (memory === undefined || aside === undefined) return;
    memory.copy(aside, memory.layout, { from: count, to: this.#slots }, [
      { from: 0, to: this.#start(lane.index), count },
    ]);
    memory.free(aside);
    lane.aside = undefined;
  }

  /** Moves a lane to a place in the layout that no other needs. */
  #move(lane: OwnLane<Area>, index: number): void {
    const range = { from: this.#start(lane.index), to: this.#start(index), count: lane.used };
    const strides = { from: this.#slots, to: this.#slots };
    if (lane.used > 0) this.#memory?.copy(this.#memory.layout, this.#memory.layout, strides, [range]);
    this.#place(lane, index);
  }

  /** Leaves an empty lane where this one was; when none is left but such, memory goes at once. */
  #vacate(lane: OwnLane<Area>): void {
    const vacant = { index: lane.index, used: 0 };
    this.#place(vacant, lane.index);
    lane.index = -1;
    this.#vacant.add(vacant);
    if (this.#vacant.size === this.#lanes.length) this.#closeVacant();
  }

  #closeVacant(): void {
    for (const lane of this.#vacant) this.#leave(lane);
    this.#vacant.clear();
    this.#shrink();
  }

  /** Takes a lane out; the last one takes its place. */
  #leave(lane: OwnLane<Area>): void {
    const last = this.#lanes.at(-1);
    if (last === undefined) return;
    if (last !== lane) this.#move(last, lane.index);
    this.#lanes.pop();
    lane.index = -1;
  }

  /** Gives memory back once little of it is used, and all that came have used theirs. */
  #shrink(): void {
    if (this.#lanes.some(({ used }) => used === 0)) return;
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

  #swap(a: OwnLane<Area>, b: OwnLane<Area>): void {
    const { index } = a;
    this.#take(b);
    this.#move(a, b.index);
    this.#place(b, index);
    this.#put(b);
  }

  #place(lane: OwnLane<Area>, index: number): void {
    lane.index = index;
    this.#lanes[index] = lane;
  }

  #own(lane: Lane | undefined): OwnLane<Area> | undefined {
    if (lane === undefined) return undefined;
    if (lane.index >= 0) return this.#lanes[lane.index] === lane ? this.#lanes[lane.index] : undefined;
    return [...this.#resting].find(other => other === lane);
  }

  /** Makes room for so many lanes of so many slots. */
  #layOut(lanes: number, slots: number): void {
    const used = this.#lanes.map(lane => lane.used);
    this.#memory?.resize(lanes, used, { from: this.#slots, to: slots });
    this.#slots = slots;
  }
}
