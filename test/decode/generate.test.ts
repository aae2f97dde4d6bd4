/**
 * Strategies: each reaches its search, and options that don't apply are refused.
 */
import assert from 'node:assert/strict';
import { ConfigError } from '../../src/core/errors.ts';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { generate, type Strategy } from '../../src/decode/generate.ts';
import { nBestSearch } from '../../src/decode/n-best-search.ts';
import { createProcessors } from '../../src/decode/processors/index.ts';
import { randomSample } from '../../src/decode/random-sample.ts';
import { seededRandom } from '../../src/decode/seeded-random.ts';
import { functionScorer } from './table-scorer.ts';

const scorer = functionScorer(6, 'logits', ids => [1, 0.9, 0.5, ids.length / 3, -1, ids.length - 3]);
const request = { endId: 5, maxLen: 6 };

describe('generate', () => {
  it('greedy takes the likeliest token, under its rules', async () => {
    const [plain] = await generate(scorer, { kind: 'greedy' }, request);
    assert.deepEqual(plain?.tokenIds, [0, 0, 0, 0, 3, 5]);
    const [ruled] = await generate(scorer, { kind: 'greedy', noRepeatNgram: 1, startId: 4 }, request);
    assert.deepEqual(ruled?.tokenIds, [4, 0, 1, 3, 2, 5]);
  });

  it('sample draws as randomSample does, and repeats itself for a seed', async () => {
    const strategy = {
      kind: 'sample',
      n: 3,
      topK: 4,
      topP: 0.9,
      temperature: 0.8,
      seed: 3,
      repetitionPenalty: 1.3,
    } as const;
    const found = await generate(scorer, strategy, request);
    const processors = createProcessors({ repetitionPenalty: 1.3 });
    const cuts = { n: 3, topK: 4, topP: 0.9, temperature: 0.8 };
    const expected = await randomSample(scorer, { ...request, ...cuts, processors, random: seededRandom(3) });
    assert.deepEqual(found, expected);
    const { seed: _, ...unseeded } = strategy;
    assert.deepEqual(await generate(scorer, unseeded, { ...request, random: seededRandom(3) }), expected);
    await assert.rejects(generate(scorer, unseeded, request), /randomness of strategy sample/);
  });

  it('sample runs minP and typicalP after topK and topP', async () => {
    const shaping = { temperature: 1.5, topK: 5, topP: 0.8, minP: 0.2, typicalP: 0.9 };
    const found = await generate(scorer, { kind: 'sample', n: 4, seed: 8, ...shaping }, request);
    const processors = createProcessors(shaping);
    const expected = await randomSample(scorer, { ...request, n: 4, processors, random: seededRandom(8) });
    assert.deepEqual(found, expected);
  });

  it('beam and bert4keras-beam reach their searches', async () => {
    const rules = { width: 3, n: 2, lengthPenalty: 0.5, earlyStopping: true } as const;
    assert.deepEqual(
      await generate(scorer, { kind: 'beam', ...rules }, request),
      await nBestSearch(scorer, { ...request, ...rules }),
    );
    const beam = { topK: 2, temperature: 0.7, minLen: 3 };
    assert.deepEqual(await generate(scorer, { kind: 'bert4keras-beam', ...beam }, request), [
      await beamSearch(scorer, { ...request, ...beam }),
    ]);
  });

  it('bert4keras-beam does not take its temperature and width for cuts', async () => {
    const [one] = await generate(scorer, { kind: 'bert4keras-beam', topK: 1, temperature: 2 }, request);
    const [first] = (one as { steps?: readonly { probability: number }[] }).steps ?? [];
    const weights = [1, 0.9, 0.5, 0, -1, -3].map(logit => Math.exp(logit / 2));
    const expected = (weights[0] ?? 0) / weights.reduce((sum, weight) => sum + weight);
    assert.ok(Math.abs((first?.probability ?? 0) - expected) < 1e-6);
  });

  it('the request’s own processors run as well', async () => {
    const processors = createProcessors({ suppressTokens: [0] });
    const [found] = await generate(scorer, { kind: 'greedy', suppressTokens: [1] }, { ...request, processors });
    assert.equal(found?.tokenIds.includes(0) || found?.tokenIds.includes(1), false);
  });

  it('refuses what does not apply, and unknown strategies', async () => {
    const wrong: unknown[] = [
      { kind: 'beam', topP: 0.9 },
      { kind: 'beam', temperature: 0.9 },
      { kind: 'greedy', seed: 1 },
      { kind: 'bert4keras-beam', topK: 1, lengthPenalty: 1 },
      { kind: 'sample', seed: 1, width: 2 },
      { kind: 'contrastive' },
      { kind: 'toString' },
    ];
    for (const strategy of wrong) {
      await assert.rejects(generate(scorer, strategy as Strategy, request), ConfigError, JSON.stringify(strategy));
    }
    const beam = { kind: 'beam', topP: 0.9 } as unknown as Strategy;
    await assert.rejects(generate(scorer, beam, request), /strategy beam; expected only .*; found topP/);
  });
});
