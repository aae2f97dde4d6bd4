import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AttentionRules } from '../../src/core/manifest.ts';
import { packByLength, paddingWaste } from '../../src/generation/length-batches.ts';
import { seenPositions, visibleLengths } from '../../src/generation/visibility.ts';

const visibilities = ['padding', 'causal', 'prefix'] as const;

/** The definition: cumulative sums of segments compared, padding hidden, the first position never. */
function sees(rules: AttentionRules, tokens: readonly number[], segments: readonly number[]) {
  const sum = (end: number) => segments.slice(0, end + 1).reduce((total, segment) => total + segment, 0);
  return (q: number, k: number) => {
    const padding = tokens[k] === 0 || (rules.segmentPadding && segments[k] === 0);
    if (padding && k > 0) return false;
    if (rules.visibility === 'causal') return k <= q;
    return rules.visibility === 'padding' || sum(k) <= sum(q);
  };
}

describe('visibility', () => {
  it('equals its definition for any ids', () => {
    const items = fc.array(fc.tuple(fc.nat(2), fc.nat(3)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(items, fc.constantFrom(...visibilities), fc.boolean(), (ids, visibility, segmentPadding) => {
        const rules = { visibility, segmentPadding };
        const sequence = { tokenIds: ids.map(([token]) => token), segmentIds: ids.map(([, segment]) => segment) };
        const expected = sees(rules, sequence.tokenIds, sequence.segmentIds);
        const seen = seenPositions(rules, sequence);
        visibleLengths(rules, sequence).forEach((length, q) => {
          ids.forEach((_, k) => {
            assert.equal(k < length && seen[k] === 1, expected(q, k), `${visibility}: row ${q}, position ${k}`);
          });
        });
      }),
    );
  });
});

describe('batches by length', () => {
  it('cost least of all that keep the budget', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 150 }), fc.nat(30), (lengths, budget, runCost) => {
        const groups = packByLength(lengths, { budget, runCost });
        assert.deepEqual(
          groups.flat().sort((a, b) => a - b),
          lengths.map((_, index) => index),
        );
        const sorted = groups.map(group => group.map(index => lengths[index] ?? 0));
        assert.deepEqual(
          sorted.flat(),
          [...lengths].sort((a, b) => b - a),
        );
        const cost = (runs: readonly (readonly number[])[]) =>
          runs.reduce((sum, run) => sum + Math.max(...run) * run.length + runCost, 0);
        const fits = (run: readonly number[]) => run.length === 1 || Math.max(...run) * run.length <= budget;
        assert.ok(sorted.every(fits));
        // Every way to cut the sorted lengths: a bit for each gap.
        for (let cuts = 0; cuts < 2 ** (lengths.length - 1); cuts++) {
          const runs: number[][] = [];
          sorted.flat().forEach((length, i) => {
            if (i === 0 || (cuts >> (i - 1)) & 1) runs.push([length]);
            else runs.at(-1)?.push(length);
          });
          assert.ok(!runs.every(fits) || cost(sorted) <= cost(runs));
        }
      }),
    );
  });

  it('measures padding', () => {
    assert.equal(paddingWaste([4, 4], [[0, 1]]), 0);
    assert.equal(paddingWaste([4, 2], [[0, 1]]), 0.25);
    assert.equal(paddingWaste([], []), 0);
  });
});
