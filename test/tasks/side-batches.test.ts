import assert from 'node:assert/strict';
import fc from 'fast-check';
import { batchBySides, type SideLengths } from '../../src/tasks/side-batches.ts';

const length = fc.integer({ min: 1, max: 2000 });
const items = fc.array(fc.tuple(length, length), { maxLength: 80 });

describe('batches of two-sided texts', () => {
  it('hold every text once and keep the budget', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 20000 }), (items, budget) => {
        const batches = batchBySides(items, budget);
        assert.deepEqual(
          batches.flat().sort((a, b) => a - b),
          items.map((_, i) => i),
        );
        for (const batch of batches) assert.ok(batch.length === 1 || padded(items, batch) <= budget);
      }),
    );
  });

  it('put the longest first, and never compute more than one batch of all would', () => {
    fc.assert(
      fc.property(items, items => {
        const batches = batchBySides(items, Number.POSITIVE_INFINITY);
        const steps = batches.map(batch => padded(items, batch) / batch.length);
        assert.deepEqual(
          steps,
          [...steps].sort((a, b) => b - a),
        );
        const words = batches.reduce((sum, batch) => sum + padded(items, batch), 0);
        assert.ok(items.length === 0 || words <= padded(items, [...items.keys()]));
      }),
    );
  });

  it('keep texts apart whose blank is at different ends', () => {
    const items = [1, 400, 1, 400, 2, 399].map((left): SideLengths => [left, 401 - left]);
    const batches = batchBySides(items, 1e6).map(batch => [...batch].sort((a, b) => a - b));
    assert.deepEqual(new Set(batches.map(String)), new Set(['0,2,4', '1,3,5']));
  });

  it('cut thousands of different lengths without recursing', () => {
    const items = Array.from({ length: 5000 }, (_, i): SideLengths => [1 + i, 1 + ((i * 7919) % 5000)]);
    assert.equal(batchBySides(items, 1).length, 5000);
  });
});

/** Words that a batch computes, padding included. */
function padded(items: readonly SideLengths[], batch: readonly number[]): number {
  const longest = (side: 0 | 1) => Math.max(...batch.map(index => items[index]?.[side] ?? Number.NaN));
  return batch.length * (longest(0) + longest(1));
}
