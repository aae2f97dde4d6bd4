/**
 * Lanes over memory, whatever is done to them: every slot keeps what was written to it, lanes of a run are neighbours, a
 * cache without memory knows where another's lanes lie, and nothing is left when the lanes are gone. Over arrays, and over
 * memory that is as a GPU's: areas that are never moved in place, must be freed, and are gone then.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Dimensions } from '../../src/core/manifest.ts';
import { ArrayMemory, type Arrays } from '../../src/session/array-memory.ts';
import { CacheLanes, type Lane } from '../../src/session/cache-lanes.ts';
import type { HeadStrides, LaneMemory, SlotRange } from '../../src/session/lane-memory.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { storesOf } from '../../src/session/stores.ts';

const dimensions = { layers: 2, heads: 3, keySize: 2, headSize: 3 } as Dimensions;
const stores = storesOf(dimensions);
const HEADS = dimensions.heads;

/** Memory whose next rows can be said. */
interface Filled extends LaneMemory<Arrays> {
  rows: Arrays;
  /** Areas that nobody gave back. */
  readonly held: number;
}

/** Arrays, which a session would read. */
class FilledArrays extends ArrayMemory implements Filled {
  rows: Arrays = [];
  readonly held = 0;

  constructor() {
    super({} as GraphSession, dimensions);
  }

  override append(strides: HeadStrides, ranges: readonly SlotRange[]): void {
    this.copy(this.rows, this.layout, strides, ranges);
  }
}

/** Arrays with the manners of GPU buffers. */
class FilledAreas implements Filled {
  rows: Arrays = [];
  layout: Arrays = [];
  readonly lost = false;
  readonly #areas = new Set<Arrays>();

  get held(): number {
    return this.#areas.size;
  }

  allocate(slots: number): Arrays {
    const area = slots === 0 ? [] : stores.map(({ size }) => new Float32Array(slots * size).fill(Number.NaN));
    if (slots > 0) this.#areas.add(area);
    return area;
  }

  free(area: Arrays): void {
    assert.ok(area.length === 0 || this.#areas.delete(area), 'freed twice');
    area.length = 0;
  }

  copy(source: Arrays, target: Arrays, strides: HeadStrides, ranges: readonly SlotRange[]): void {
    if (ranges.every(({ count }) => count === 0)) return;
    assert.ok(
      this.#areas.has(target) && (source === this.rows || this.#areas.has(source)),
      'copied from or to nowhere',
    );
    if (source === target) assert.equal(ranges.length, 1);
    for (const [i, { size }] of stores.entries()) {
      const [input, output] = [source[i]?.slice() ?? assert.fail(), target[i] ?? assert.fail()];
      for (const { from, to, count } of ranges) {
        for (let head = 0; head < HEADS; head++) {
          const first = (from + head * strides.from) * size;
          const place = (to + head * strides.to) * size;
          assert.ok(first + count * size <= input.length && place + count * size <= output.length, 'out of range');
          output.set(input.subarray(first, first + count * size), place);
        }
      }
    }
  }

  resize(lanes: number, used: readonly number[], { from, to }: HeadStrides): void {
    const old = this.layout;
    this.layout = this.allocate(lanes * HEADS * to);
    const ranges = used.map((count, i) => ({ from: i * HEADS * from, to: i * HEADS * to, count }));
    this.copy(old, this.layout, { from, to }, ranges);
    this.free(old);
  }

  append(strides: HeadStrides, ranges: readonly SlotRange[]): void {
    this.copy(this.rows, this.layout, strides, ranges);
  }

  async run(): Promise<Float32Array> {
    return new Float32Array(0);
  }
}

/** A lane, its mirror, and what its slots hold. */
interface Written {
  readonly lane: Lane;
  readonly mirror: Lane;
  readonly slots: Map<number, number>;
}

type Change =
  | { readonly change: 'add'; readonly count: number; readonly room: number }
  | { readonly change: 'remove' | 'rest'; readonly which: number }
  | { readonly change: 'run'; readonly who: readonly number[]; readonly rows: number; readonly gap: number };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ change: fc.constant('add' as const), count: fc.integer({ min: 1, max: 3 }), room: fc.nat(60) }),
  fc.record({ change: fc.constantFrom('remove' as const, 'rest' as const), which: fc.nat(9) }),
  fc.record({
    change: fc.constant('run' as const),
    who: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 5 }),
    rows: fc.integer({ min: 1, max: 30 }),
    gap: fc.nat(3),
  }),
);

for (const [name, open] of [
  ['arrays', () => new FilledArrays()],
  ['areas as on a GPU', () => new FilledAreas()],
] as const) {
  describe(`lanes over ${name}`, () => {
    it('keep what was written, wherever they are moved, and a mirror knows where', () => {
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), changes => {
          const scene = new Scene(open());
          for (const next of changes) {
            scene.apply(next);
            scene.check();
          }
          scene.end();
        }),
        { numRuns: 300 },
      );
    });
  });
}

it('lanes move nobody when all come before their rows and go one after another', () => {
  let moved = 0;
  class Counted extends FilledAreas {
    override copy(source: Arrays, target: Arrays, strides: HeadStrides, ranges: readonly SlotRange[]): void {
      if (source !== this.rows) moved += ranges.reduce((sum, { count }) => sum + count, 0);
      super.copy(source, target, strides, ranges);
    }
  }
  const memory = new Counted();
  const cache = new CacheLanes(dimensions, memory);
  const lanes = cache.add(9, 0);
  const slots = Array.from({ length: 50 }, (_, slot) => slot);
  for (const lane of lanes) {
    memory.rows = stores.map(({ size }) => new Float32Array(HEADS * slots.length * size));
    cache.append([{ lane, slots }], slots.length);
  }
  for (const lane of lanes) cache.remove(lane);
  assert.equal(moved, 0);
  assert.equal(memory.held, 0);
});

it('lanes that come together get the memory that others left, before their rows', () => {
  const memory = new FilledArrays();
  const cache = new CacheLanes(dimensions, memory);
  const lanes = cache.add(6, 100);
  const { layout } = memory;
  assert.ok(cache.slots >= 100);
  for (const lane of lanes) cache.remove(lane);
  assert.ok(memory.layout.every(data => data.length === 0));
  cache.add(5, 90);
  assert.deepEqual(
    memory.layout.map((data, i) => data === layout[i]),
    layout.map(() => true),
  );
});

class Scene {
  readonly #memory: Filled;
  readonly #lanes: CacheLanes<Arrays>;
  readonly #mirror = new CacheLanes<never>(dimensions);
  #all: Written[] = [];
  #numbers = 0;

  constructor(memory: Filled) {
    this.#memory = memory;
    this.#lanes = new CacheLanes(dimensions, memory);
  }

  apply(next: Change): void {
    if (next.change === 'add') {
      const mirrors = this.#mirror.add(next.count, next.room);
      for (const [i, lane] of this.#lanes.add(next.count, next.room).entries())
        this.#all.push({ lane, mirror: mirrors[i] ?? assert.fail(), slots: new Map() });
      assert.ok(this.#lanes.slots >= next.room, 'room for what was asked for');
    } else if (next.change === 'run') this.#run(next.who, next.rows, next.gap);
    else {
      const one = this.#all[next.which];
      if (one === undefined) return;
      this.#lanes[next.change](one.lane);
      this.#mirror[next.change](one.mirror);
      if (next.change === 'remove') this.#all = this.#all.filter(other => other !== one);
    }
  }

  /** Every slot as it was written, in the layout; both sides agree. */
  check(): void {
    assert.equal(this.#lanes.slots, this.#mirror.slots);
    assert.equal(this.#lanes.bytes, this.#mirror.bytes);
    for (const { lane, mirror, slots } of this.#all) {
      assert.deepEqual([lane.index, lane.used], [mirror.index, mirror.used]);
      if (lane.index < 0) continue;
      for (const [slot, number] of slots) {
        for (const [i, { size }] of stores.entries()) {
          for (let head = 0; head < HEADS; head++) {
            const place = ((lane.index * HEADS + head) * this.#lanes.slots + slot) * size;
            const found = this.#memory.layout[i]?.slice(place, place + size);
            assert.deepEqual(found, new Float32Array(size).fill(numberAt(number, i, head)));
          }
        }
      }
    }
  }

  /** Without lanes, there is no memory. */
  end(): void {
    for (const { lane } of this.#all) this.#lanes.remove(lane);
    assert.equal(this.#lanes.bytes, 0);
    assert.equal(this.#memory.held, 0);
    assert.ok(this.#memory.layout.every(data => data.length === 0));
  }

  /** A run of lanes that are all new or all in use, whose rows go to slots with gaps, some written before. */
  #run(who: readonly number[], rows: number, gap: number): void {
    const chosen = who.flatMap(i => this.#all[i] ?? []);
    const fresh = chosen[0]?.slots.size === 0;
    const batch = chosen.filter(({ slots }) => (slots.size === 0) === fresh);
    if (batch.length === 0) return;
    if (!fresh) {
      this.#lanes.gather(batch.map(({ lane }) => lane));
      this.#mirror.gather(batch.map(({ mirror }) => mirror));
      batch.sort((a, b) => a.lane.index - b.lane.index);
      for (const [i, { lane }] of batch.entries()) assert.equal(lane.index, (batch[0]?.lane.index ?? 0) + i);
    }
    const slots = batch.map(({ lane }) =>
      Array.from({ length: rows }, (_, row) => Math.max(0, lane.used - gap) + row + (row > rows / 2 ? gap : 0)),
    );
    const first = this.#numbers;
    this.#numbers += batch.length * rows;
    this.#memory.rows = stores.map(({ size }, i) =>
      Float32Array.from({ length: batch.length * HEADS * rows * size }, (_, at) => {
        const [row, head, b] = [
          Math.floor(at / size) % rows,
          Math.floor(at / size / rows) % HEADS,
          at / size / rows / HEADS,
        ];
        return numberAt(first + Math.floor(b) * rows + row, i, head);
      }),
    );
    this.#lanes.append(
      batch.map(({ lane }, b) => ({ lane, slots: slots[b] ?? [] })),
      rows,
    );
    this.#mirror.append(
      batch.map(({ mirror }, b) => ({ lane: mirror, slots: slots[b] ?? [] })),
      rows,
    );
    for (const [b, one] of batch.entries()) {
      for (const [row, slot] of (slots[b] ?? []).entries()) one.slots.set(slot, first + b * rows + row);
    }
  }
}

/** A number for a row that no other row, store or head has. */
function numberAt(row: number, store: number, head: number): number {
  return row * 16 + store * 4 + head;
}
