/**
 * Random sampling: distribution, order of results, the seeded source.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError, InputError } from '../../src/core/errors.ts';
import { createProcessors } from '../../src/decode/processors/index.ts';
import { randomSample } from '../../src/decode/random-sample.ts';
import { seededRandom, xoshiro128 } from '../../src/decode/seeded-random.ts';
import { functionScorer } from './table-scorer.ts';

describe('randomSample', () => {
  it('draws the first candidate, by falling probability, whose cumulative probability exceeds the uniform', async () => {
    const scorer = functionScorer(4, 'probabilities', () => [0.1, 0.4, 0.2, 0.3]);
    const drawn = async (uniform: number, cuts: { topK?: number; topP?: number } = {}) => {
      const [sample] = await randomSample(scorer, { endId: 9, maxLen: 1, random: () => uniform, ...cuts });
      return sample?.tokenIds[0];
    };
    assert.deepEqual(
      await Promise.all([0, 0.39, 0.41, 0.69, 0.71, 0.89, 0.91, 0.9999].map(uniform => drawn(uniform))),
      [1, 1, 3, 3, 2, 2, 0, 0],
    );
    assert.deepEqual(await Promise.all([0.5, 0.58, 0.99].map(uniform => drawn(uniform, { topK: 2 }))), [1, 3, 3]);
    assert.deepEqual(await Promise.all([0.3, 0.99].map(uniform => drawn(uniform, { topP: 0.35 }))), [1, 1]);
    assert.deepEqual(await Promise.all([0.5, 0.6].map(uniform => drawn(uniform, { topP: 0.41 }))), [1, 3]);
  });

  it('draws from a large vocabulary as a full sort would', async () => {
    const weights = Array.from({ length: 5000 }, (_, id) => ((id * 7919) % 5000) + 1);
    const total = weights.reduce((sum, weight) => sum + weight);
    const row = weights.map(weight => weight / total);
    const order = row.map((p, id) => [p, id] as const).sort((a, b) => b[0] - a[0]);
    for (const uniform of [0.001, 0.2, 0.6, 0.95, 0.99]) {
      const [sample] = await randomSample(
        functionScorer(5000, 'probabilities', () => row),
        { endId: 5000, maxLen: 1, random: () => uniform },
      );
      let sum = 0;
      const expected = order.find(([p]) => {
        sum += p;
        return sum > uniform;
      });
      assert.equal(sample?.tokenIds[0], expected?.[1]);
    }
  });

  it('puts finished samples first, in the order in which they finished', async () => {
    const uniforms = [0.1, 0.9, 0.1, 0.1, 0.9, 0.1];
    const scorer = functionScorer(2, 'probabilities', () => [0.6, 0.4]);
    const options = { n: 3, endId: 1, maxLen: 3, random: () => uniforms.shift() ?? 0 };
    const samples = await randomSample(scorer, options);
    assert.deepEqual(
      samples.map(({ sample, tokenIds, finished }) => ({ sample, tokenIds, finished })),
      [
        { sample: 1, tokenIds: [1], finished: true },
        { sample: 2, tokenIds: [0, 1], finished: true },
        { sample: 0, tokenIds: [0, 0, 0], finished: false },
      ],
    );
  });

  it('topK, topP and temperature equal the processors of that name', async () => {
    const rowOf = fc.uniqueArray(fc.integer({ min: -300, max: 300 }), { minLength: 6, maxLength: 6 });
    const property = async (scores: number[], topK: number, topP: number, temperature: number, seed: number) => {
      const scorer = functionScorer(6, 'logits', () => scores.map(score => score / 60));
      const common = { n: 4, endId: 5, maxLen: 5 };
      const cuts = { topK, topP, temperature };
      const built = await randomSample(scorer, { ...common, ...cuts, random: seededRandom(seed) });
      const processors = createProcessors(cuts);
      const chained = await randomSample(scorer, { ...common, processors, random: seededRandom(seed) });
      const ids = (samples: typeof built) => samples.map(sample => sample.tokenIds);
      assert.deepEqual(ids(built), ids(chained));
    };
    const shape = [
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(0.31, 0.57, 0.93),
      fc.constantFrom(0.5, 1, 1.7),
    ] as const;
    await fc.assert(fc.asyncProperty(rowOf, ...shape, fc.nat(1000), property), { numRuns: 200 });
  });

  it('refuses cuts out of range, a broken source and rows without mass', async () => {
    const scorer = functionScorer(2, 'probabilities', () => [0.5, 0.5]);
    const good = { endId: 1, maxLen: 2, random: () => 0.5 };
    for (const change of [{ topP: 0 }, { topP: 1.1 }, { topK: 0 }, { n: 0 }]) {
      await assert.rejects(randomSample(scorer, { ...good, ...change }), ConfigError);
    }
    await assert.rejects(randomSample(scorer, { ...good, topK: 3 }), InputError);
    await assert.rejects(randomSample(scorer, { ...good, random: () => 1 }), /\[0, 1\)/);
    const empty = functionScorer(2, 'probabilities', () => [0, 0]);
    await assert.rejects(randomSample(empty, good), /step 0, row 0.*sum above 0/);
  });
});

describe('seededRandom', () => {
  it('is xoshiro128**: the published outputs for state 1, 2, 3, 4', () => {
    const next = xoshiro128(Uint32Array.of(1, 2, 3, 4));
    assert.deepEqual(
      Array.from({ length: 10 }, next),
      [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804],
    );
  });

  it('repeats itself for a seed, stays in [0, 1) and is evenly spread', () => {
    const [one, two, other] = [seededRandom(5), seededRandom(5), seededRandom(6)];
    const numbers = Array.from({ length: 20000 }, one);
    assert.deepEqual(numbers.slice(0, 50), Array.from({ length: 50 }, two));
    assert.notEqual(numbers[0], other());
    assert.ok(numbers.every(number => number >= 0 && number < 1));
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    assert.ok(Math.abs(mean - 0.5) < 0.01);
  });

  it('refuses a seed that is not an integer', () => assert.throws(() => seededRandom(0.5), ConfigError));
});
