import assert from 'node:assert/strict';
import fc from 'fast-check';
import { copyBlocks, moveBlocks } from '../../src/session/array-memory.ts';
import { rangesOf } from '../../src/session/lane-memory.ts';

describe('lane memory', () => {
  it('writes every row to its slot, however slots are grouped', () => {
    const slots = fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(slots, fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 3 }), (own, size, heads) => {
        const rows = Float32Array.from({ length: heads * own.length * size }, (_, i) => i + 1);
        const data = new Float32Array(heads * 31 * size);
        for (const { from, to, count } of rangesOf(own)) {
          const source = { data: rows, from: from * size, stride: own.length * size };
          const target = { data, from: to * size, stride: 31 * size };
          copyBlocks(source, target, { count: heads, length: count * size });
        }
        for (let head = 0; head < heads; head++) {
          for (let slot = 0; slot < 31; slot++) {
            const row = own.indexOf(slot);
            const first = (head * own.length + row) * size;
            const expected = row < 0 ? new Float32Array(size) : rows.slice(first, first + size);
            assert.deepEqual(data.slice((head * 31 + slot) * size).slice(0, size), expected);
          }
        }
      }),
    );
  });

  it('moves blocks within one array and into another, whether they grow or shrink', () => {
    const sizes = fc.record({ before: fc.integer({ min: 1, max: 20 }), now: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(
        sizes,
        fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (size, wanted, inPlace) => {
          const filled = wanted.map(count => Math.min(count, size.before, size.now));
          const source = Float32Array.from({ length: filled.length * 20 }, (_, i) => i + 1);
          const original = source.slice();
          const target = inPlace ? source : new Float32Array(source.length);
          moveBlocks(source, target, filled, size);
          filled.forEach((count, block) => {
            const expected = original.slice(block * size.before).slice(0, count);
            assert.deepEqual(target.slice(block * size.now).slice(0, count), expected);
          });
        },
      ),
    );
  });
});
