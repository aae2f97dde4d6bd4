import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { SessionError } from '../../src/core/errors.ts';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { extendHypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import type { Sequence } from '../../src/generation/visibility.ts';
import type { Model } from '../../src/model.ts';
import { localStepCache } from '../../src/session/local-cache.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { assertClose, convertCase } from './converted-case.ts';
import { compareScorers, requestOf } from './random-requests.ts';

/** Recorded models of every way to see: causal, relative positions, UniLM, shared segments, an encoder for the source. */
const MODELS = [
  'nezha-lm',
  'gpt2-cpm',
  'gpt2-ml',
  'gpt-chat',
  'bert-unilm',
  'bert-lm',
  'nezha-chat-recipe',
  'mt5-keep-tokens',
];

describe('generation engine', () => {
  let folder = '';
  const models = new Map<string, { model: Model; session: GraphSession }>();

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-generation-'));
    for (const name of MODELS) models.set(name, await convertCase(name, path.join(folder, name)));
  });

  after(async () => {
    for (const { model } of models.values()) await model.dispose();
    await rm(folder, { recursive: true });
  });

  for (const name of MODELS) {
    it(`scores with a cache as without, any tree, any company: ${name}`, async () => {
      const { model, session } = models.get(name) ?? assert.fail();
      const arbitrary = fc.array(requestOf(model), { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(arbitrary, async requests => {
          const cached = createGenerator(session, model.manifest, { maxBatchTokens: 64 });
          const plain = createGenerator(session, model.manifest, { recomputeUpTo: Number.POSITIVE_INFINITY });
          await Promise.all(requests.map(request => compareScorers(request, cached, plain)));
          assert.equal(cached.counts.cacheBytes, 0, 'all memory is given back');
        }),
        { numRuns: 15 },
      );
    });
  }

  for (const name of MODELS) {
    it(`reuses of an earlier request what a new one leaves unchanged: ${name}`, async () => {
      const { model, session } = models.get(name) ?? assert.fail();
      const ends = fc.record({ earlier: requestOf(model), later: requestOf(model), shared: fc.nat(14) });
      const anew = createGenerator(session, model.manifest, { recomputeUpTo: Number.POSITIVE_INFINITY });
      await fc.assert(
        fc.asyncProperty(ends, async ({ earlier, later, shared }) => {
          const generator = createGenerator(session, model.manifest);
          const first = generator.start(earlier.prompt, { segmentId: earlier.segmentId });
          const child = extendHypothesis(rootHypothesis(), 7);
          await first.score([rootHypothesis()]);
          await first.score([child]);
          const whole = {
            tokenIds: [...earlier.prompt.tokenIds, 7],
            segmentIds: [...earlier.prompt.segmentIds, earlier.segmentId],
          };
          const beginning = {
            tokenIds: whole.tokenIds.slice(0, shared),
            segmentIds: whole.segmentIds.slice(0, shared),
          };
          const prompt = joinPrompts(model, beginning, later.prompt);
          const second = generator.start(prompt, { segmentId: later.segmentId, after: first });
          const plain = anew.start(prompt, { segmentId: later.segmentId });
          assertClose(await second.score([rootHypothesis()]), await plain.score([rootHypothesis()]));
          second.release();
          assert.equal(generator.counts.cacheBytes, 0);
        }),
        { numRuns: 15 },
      );
    });
  }

  it('takes the cache of an earlier turn over', async () => {
    const { model, session } = models.get('nezha-lm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const first = generator.start({ tokenIds: [2, 9, 8, 3], segmentIds: [0, 0, 0, 0] }, { segmentId: 1 });
    const reply = await beamSearch(first, { topK: 2, endId: 3, maxLen: 5 });
    const turn = [...reply.tokenIds, 11, 12];
    const prompt = { tokenIds: [2, 9, 8, 3, ...turn], segmentIds: [0, 0, 0, 0, ...reply.tokenIds.map(() => 1), 0, 0] };
    const next = generator.start(prompt, { segmentId: 1, after: first });
    assert.ok(next.reused >= 4, `reused ${next.reused}`);
    const anew = createGenerator(session, model.manifest).start(prompt, { segmentId: 1 });
    assertClose(await next.score([rootHypothesis()]), await anew.score([rootHypothesis()]));
    await assert.rejects(first.score([rootHypothesis()]), /released/);
  });

  it('names the likeliest tokens alone while nobody in a run needs whole rows, as many as the greediest asks for', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const fetched: string[] = [];
    const watched: GraphSession = {
      ...standIn(session),
      run: (feeds, fetches, lend) => {
        fetched.push(...fetches.filter(name => !name.startsWith('new_')));
        return session.run(feeds, fetches, lend);
      },
    };
    const answers = async (over: GraphSession, ...counts: readonly (number | undefined)[]) => {
      const generator = createGenerator(over, model.manifest);
      const scorers = counts.map(() => generator.start({ tokenIds: [5, 9, 4], segmentIds: [0, 0, 0] }));
      const asked = scorers.map((scorer, i) => scorer.score([rootHypothesis()], undefined, counts[i]));
      const found = await Promise.all(asked);
      for (const scorer of scorers) scorer.release();
      return found.map(scores => ('buffer' in scores ? 'whole' : scores.map(({ ids }) => ids.length).join()));
    };
    const { vocabSize } = model.manifest.dimensions;
    assert.deepEqual(await answers(watched, 2, 5), ['5', '5']);
    assert.deepEqual(await answers(watched, 2, undefined), ['whole', 'whole']);
    assert.deepEqual(await answers(watched, 10 * vocabSize), [`${vocabSize}`]);
    assert.deepEqual(fetched, ['top_tokens', 'logits', 'top_tokens']);
    const onGpu: GraphSession = { ...standIn(session), device: { device: 'webgpu', reason: 'test' } };
    assert.deepEqual(await answers(onGpu, 2), ['whole'], 'a GPU would sort every row');
    const inputs = session.inputs.filter(({ name }) => name !== 'top_k');
    const earlier: GraphSession = {
      ...standIn(session),
      inputs,
      run: (feeds, ...rest) =>
        session.run({ ...feeds, top_k: { dtype: 'int64', shape: [1], data: BigInt64Array.of(0n) } }, ...rest),
    };
    assert.deepEqual(await answers(earlier, 2), ['whole'], 'graphs of earlier conversions have no such output');
  });

  it('uses the slots of dropped hypotheses again', async () => {
    const { model, session } = models.get('nezha-lm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const scorer = generator.start({ tokenIds: [2, 9, 8, 3], segmentIds: [0, 0, 0, 0] });
    let rows = [rootHypothesis()];
    await scorer.score(rows);
    for (let step = 0; step < 16; step++) {
      const [best = rootHypothesis()] = rows;
      rows = [5, 6, 7, 8].map(tokenId => extendHypothesis(best, tokenId));
      await scorer.score(rows);
    }
    // The prompt, the 15 that are ancestors, and the last four: 23 of the 68 slots that were ever needed.
    const { layers, heads, keySize, headSize } = model.manifest.dimensions;
    const slots = generator.counts.cacheBytes / (4 * layers * heads * (keySize + headSize));
    assert.ok(slots <= 48, `${slots} slots`);
    scorer.release();
  });

  it('lets a chat rest without costing others, and goes on with it', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const sequence = (tokenIds: number[]) => ({ tokenIds, segmentIds: tokenIds.map(() => 0) });
    const chat = generator.start(sequence([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]));
    const other = generator.start(sequence([5]));
    const together = await Promise.all([chat.score([rootHypothesis()]), other.score([rootHypothesis()])]);
    const bytes = generator.counts.cacheBytes;
    chat.rest();
    assert.ok(generator.counts.cacheBytes < bytes);
    assertClose(await other.score([rootHypothesis()]), together[1]);
    assertClose(await chat.score([rootHypothesis()]), together[0]);
    chat.rest();
    const next = generator.start(sequence([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]), { after: chat });
    assert.equal(next.reused, 12);
    assert.equal(
      await next.score([rootHypothesis()]).then(scores => scores.length),
      model.manifest.dimensions.vocabSize,
    );
    next.release();
    other.release();
    assert.equal(generator.counts.cacheBytes, 0);
  });

  it('refuses what the model can not take', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const { vocabSize, maxPositions } = model.manifest.dimensions;
    const sequence = (tokenIds: number[]) => ({ tokenIds, segmentIds: tokenIds.map(() => 0) });
    assert.throws(() => generator.start(sequence([])), /at least one token/);
    assert.throws(() => generator.start(sequence([1, vocabSize])), /index 1: token id/);
    assert.throws(() => generator.start(sequence(new Array((maxPositions ?? 0) + 1).fill(1))), /positions/);
    const full = generator.start(sequence(new Array(maxPositions ?? 0).fill(1)));
    await full.score([rootHypothesis()]);
    await assert.rejects(full.score([extendHypothesis(rootHypothesis(), 1)]), /positions/);
    full.release();
  });

  it('begins a batch of new requests a turn, so that those who wait can still be stopped', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest, { maxBatchTokens: 4 });
    const prompt = { tokenIds: [5, 6, 7, 8], segmentIds: [0, 0, 0, 0] };
    const [first, second, third] = [generator.start(prompt), generator.start(prompt), generator.start(prompt)];
    const controller = new AbortController();
    const begun = first.score([rootHypothesis()]).then(() => {
      controller.abort();
      return first.score([extendHypothesis(rootHypothesis(), 9)]);
    });
    const stopped = second.score([rootHypothesis()], controller.signal);
    const last = third.score([rootHypothesis()]);
    await assert.rejects(stopped, { code: 'ABORTED' });
    await Promise.all([begun, last]);
    assert.equal(generator.counts.rows, 4 + 1 + 4);
    for (const scorer of [first, second, third]) scorer.release();
    assert.equal(generator.counts.cacheBytes, 0);
  });

  it('serves new requests in the order of their turns, whatever comes after them', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest, { maxBatchTokens: 8 });
    const begin = async (length: number) => {
      const ids = new Array<number>(length).fill(5);
      const scorer = generator.start({ tokenIds: ids, segmentIds: ids.map(() => 0) });
      await scorer.score([rootHypothesis()]);
      scorer.release();
    };
    let served = 0;
    const client = async () => {
      for (let i = 0; i < 10; i++) {
        await begin(8);
        served++;
      }
    };
    const clients = [client(), client()];
    await begin(2);
    assert.ok(served <= 2, `${served} others came before`);
    await Promise.all(clients);
  });

  it('refuses tokens that the model does not have, to nobody else', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const prompt = { tokenIds: [5, 6, 7], segmentIds: [0, 0, 0] };
    const [right, wrong, negative] = [generator.start(prompt), generator.start(prompt), generator.start(prompt)];
    const answers = await Promise.allSettled([
      right.score([extendHypothesis(rootHypothesis(), 5)]),
      wrong.score([extendHypothesis(rootHypothesis(), 9999)]),
      negative.score([extendHypothesis(rootHypothesis(), -1)]),
    ]);
    assert.deepEqual(
      answers.map(answer => (answer.status === 'rejected' ? answer.reason.code : 'scored')),
      ['scored', 'INPUT', 'INPUT'],
    );
  });

  it('computes everything again after memory could not be had', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const { dimensions } = model.manifest;
    let failing: 'add' | 'append' | 'rest' | undefined;
    const fail = (change: typeof failing) => {
      if (failing !== change) return;
      failing = undefined;
      throw new RangeError('Array buffer allocation failed');
    };
    const openCache = () => {
      const cache = localStepCache(session, dimensions);
      const [add, append, rest] = [cache.add.bind(cache), cache.append.bind(cache), cache.rest.bind(cache)];
      cache.add = (...args) => {
        fail('add');
        return add(...args);
      };
      cache.append = (...args) => {
        fail('append');
        append(...args);
      };
      cache.rest = lane => {
        fail('rest');
        rest(lane);
      };
      return cache;
    };
    const { device, inputs, outputs } = session;
    const run: GraphSession['run'] = (...args) => session.run(...args);
    const over = { device, inputs, outputs, run, openCache, dispose: async () => undefined };
    const generator = createGenerator(over, model.manifest);
    const prompt = { tokenIds: [5, 6, 7, 8], segmentIds: [0, 0, 0, 0] };
    const [scorer, other, plain] = [
      generator.start(prompt),
      generator.start(prompt),
      createGenerator(session, model.manifest, { recomputeUpTo: Number.POSITIVE_INFINITY }).start(prompt),
    ];
    await Promise.all([scorer.score([rootHypothesis()]), other.score([rootHypothesis()])]);
    const child = extendHypothesis(rootHypothesis(), 9);
    failing = 'append';
    await assert.rejects(scorer.score([child]), /allocation failed/);
    const next = extendHypothesis(child, 4);
    assertClose(await scorer.score([next]), await plain.score([next]));
    failing = 'add';
    const late = generator.start(prompt);
    const both = await Promise.allSettled([late.score([rootHypothesis()]), scorer.score([next])]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assertClose(await late.score([rootHypothesis()]), await plain.score([rootHypothesis()]));
    assertClose(await scorer.score([next]), await plain.score([next]));
    late.release();
    failing = 'rest';
    const asked = scorer.score([extendHypothesis(next, 3)]);
    other.rest();
    await asked;
    assertClose(await other.score([child]), await plain.score([child]));
    for (const one of [scorer, other]) one.release();
    assert.equal(generator.counts.cacheBytes, 0);
  });

  it('tells everyone who asked when a run fails, and serves them again afterwards', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    let failing = true;
    const run: GraphSession['run'] = async (...args) => {
      if (failing) throw new SessionError({ what: 'run of a graph', found: 'a bad day' });
      return session.run(...args);
    };
    const { device, inputs, outputs } = session;
    const dispose = async () => undefined;
    const generator = createGenerator({ device, inputs, outputs, run, dispose }, model.manifest);
    const prompt = { tokenIds: [5, 6, 7, 8], segmentIds: [0, 0, 0, 0] };
    const scorers = [generator.start(prompt), generator.start(prompt)];
    for (const scorer of scorers) await assert.rejects(scorer.score([rootHypothesis()]), /a bad day/);
    failing = false;
    const [first = [], second = []] = await Promise.all(scorers.map(scorer => scorer.score([rootHypothesis()])));
    assert.deepEqual(first, second);
  });

  it('stops at an abort and goes on with the others', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const prompt = { tokenIds: [5, 6, 7], segmentIds: [0, 0, 0] };
    const [stopped, going] = [generator.start(prompt), generator.start(prompt)];
    const controller = new AbortController();
    const failing = stopped.score([rootHypothesis()], controller.signal);
    const working = going.score([rootHypothesis()]);
    controller.abort();
    await assert.rejects(failing, { code: 'ABORTED' });
    assert.equal((await working).length, model.manifest.dimensions.vocabSize);
  });
});

/** One prompt after another; where a target has begun, no source follows. */
function joinPrompts({ manifest }: Model, first: Sequence, second: Sequence): Sequence {
  const isOpen = manifest.attention.crossAttention === true && first.segmentIds.includes(1);
  const kept = (_: number, i: number): boolean => !isOpen || second.segmentIds[i] === 1;
  return {
    tokenIds: [...first.tokenIds, ...second.tokenIds.filter(kept)],
    segmentIds: [...first.segmentIds, ...second.segmentIds.filter(kept)],
  };
}

/** A session that runs another, to be changed in parts. */
function standIn(session: GraphSession): GraphSession {
  const { device, inputs, outputs } = session;
  return { device, inputs, outputs, run: (...run) => session.run(...run), dispose: async () => undefined };
}
