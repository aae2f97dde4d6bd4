import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ScoreArray } from '../../src/decode/scorer.ts';
import { seededRandom } from '../../src/decode/seeded-random.ts';
import { argMax, selectTop } from '../../src/decode/top-k.ts';

/** By definition: sorted by falling value, then rising index. */
function sorted(row: ScoreArray): readonly number[] {
  return [...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number) || a - b);
}

/** A row of a vocabulary's size: `values` different numbers, `ruledOut` of the entries -Infinity, one in place. */
function longRow(seed: number, { length, values, ruledOut }: { length: number; values: number; ruledOut: number }) {
  const random = seededRandom(seed);
  return Float32Array.from({ length }, () =>
    random() < ruledOut ? Number.NEGATIVE_INFINITY : Math.floor(random() * values) / 8,
  );
}

const shapes = fc.record({
  length: fc.integer({ min: 1, max: 30_000 }),
  values: fc.constantFrom(2, 40, 5000, 1e9),
  ruledOut: fc.constantFrom(0, 0, 0.5, 0.999),
});

describe('the largest entries of a row', () => {
  it('are those of a whole sort, ties by index, whatever the row', () => {
    fc.assert(
      fc.property(fc.nat(), shapes, fc.constantFrom(1, 2, 8, 64, 700), (seed, shape, k) => {
        const row = longRow(seed, shape);
        const expected = sorted(row).slice(0, k);
        const selection = selectTop(row, k);
        assert.equal(selection.count, expected.length);
        assert.deepEqual([...selection.ids], expected);
        assert.deepEqual(
          [...selection.values],
          expected.map(id => row[id]),
        );
        assert.equal(argMax(row), expected[0]);
      }),
      { numRuns: 60 },
    );
  });

  it('are found where every place of the sample misleads', () => {
    const row = Float32Array.from({ length: 21_128 }, (_, i) => (i % 21 === 0 ? 100 - i / 1e4 : i / 21_128));
    assert.deepEqual([...selectTop(row, 64).ids], sorted(row).slice(0, 64));
    const hidden = row.map(value => -value);
    assert.deepEqual([...selectTop(hidden, 64).ids], sorted(hidden).slice(0, 64));
  });

  it('skips NaN for the largest', () => {
    const row = new Float32Array(21_128).fill(Number.NaN);
    assert.equal(argMax(row), 0);
    row[12_345] = -1;
    assert.equal(argMax(row), 12_345);
  });
});
