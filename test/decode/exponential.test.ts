import assert from 'node:assert/strict';
import fc from 'fast-check';
import { exponential, sumOfExponentials } from '../../src/decode/exponential.ts';

describe('exponentials', () => {
  it('are within 1e-12 of Math.exp, and 0 where float32 is', () => {
    fc.assert(
      fc.property(fc.double({ min: -104, max: 0, noNaN: true }), x => {
        assert.ok(Math.abs(exponential(x) / Math.exp(x) - 1) < 1e-12);
      }),
    );
    assert.equal(exponential(-104.01), 0);
  });

  it('sum to within 1e-9, each of them, and exactly for the largest', () => {
    const entry = fc.double({ min: -100, max: 0, noNaN: true });
    fc.assert(
      fc.property(entry, fc.double({ min: 0.1, max: 1, noNaN: true }), fc.nat(50), (x, scale, top) => {
        const sum = sumOfExponentials(Float64Array.of(x + top, x + top), top, scale);
        assert.ok(Math.abs(sum / (2 * Math.exp((x + top - top) * scale)) - 1) < 1e-9);
      }),
    );
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 9 }), entries => {
        const expected = entries.reduce((sum, x) => sum + Math.exp(x), 1);
        assert.ok(Math.abs(sumOfExponentials(Float64Array.of(0, ...entries), 0, 1) / expected - 1) < 1e-9);
      }),
    );
    assert.equal(sumOfExponentials(Float32Array.of(7, 7, Number.NEGATIVE_INFINITY), 7, 1), 2);
  });

  it('sum to NaN over NaN, +Infinity, or nothing but -Infinity', () => {
    for (const row of [
      [1, Number.NaN],
      [1, Number.POSITIVE_INFINITY],
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ]) {
      assert.ok(Number.isNaN(sumOfExponentials(Float32Array.from(row), Math.max(...row), 1)), String(row));
    }
  });
});
