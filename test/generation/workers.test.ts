/** Requests spread over workers: the same results with none, one or two, and workers that die. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { extendHypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { type GeneratingModel, openGenerator } from '../../src/generation/open-generator.ts';
import { readRows } from '../../src/generation/row-reader.ts';
import type { Model } from '../../src/model.ts';
import { loadModel } from '../../src/node.ts';
import { workerProvider } from '../../src/session/worker-node.ts';
import { startWorkerThread, type WorkerThread } from '../../src/session/worker-thread-node.ts';
import { assertClose, convertCase } from './converted-case.ts';

const PROMPTS = [[2, 9, 8, 3], [2, 7], [5, 6, 7, 8, 9, 10], [4], [2, 9, 8, 4], [11, 12, 13]].map(tokenIds => ({
  tokenIds,
  segmentIds: tokenIds.map(() => 0),
}));

describe('requests spread over workers', () => {
  let folder = '';
  let here: Model;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-workers-'));
    ({ model: here } = await convertCase('nezha-lm', path.join(folder, 'model')));
  });
  after(async () => {
    await here.dispose();
    await rm(folder, { recursive: true });
  });

  const decode = async (model: GeneratingModel) => {
    const generator = await openGenerator(model);
    const scorers = PROMPTS.map(prompt => generator.start(prompt));
    const found = await Promise.all(scorers.map(scorer => beamSearch(scorer, { topK: 2, endId: 3, maxLen: 6 })));
    const cached = generator.counts.cacheBytes;
    for (const scorer of scorers) scorer.release();
    assert.ok(cached > 0);
    assert.equal(generator.counts.cacheBytes, 0, 'all memory is given back');
    return found.map(({ tokenIds }) => tokenIds);
  };

  for (const workers of [0, 1, 2, 3]) {
    it(`decodes and reads the same with ${workers}`, async () => {
      const model = await loadModel(path.join(folder, 'model'), { workers, session: { threads: 1 } });
      try {
        assert.deepEqual(await decode(model), await decode(here));
        const session = await model.openGraph('step');
        assert.equal(session.workers ?? 0, workers);
        const rows = PROMPTS.map(prompt => ({ ...prompt, rows: [0] }));
        // A run each, so that several are under way.
        const found = await readRows(session, model.manifest, rows, { maxBatchTokens: 1 });
        const expected = await readRows(await here.openGraph('step'), here.manifest, rows);
        found.forEach((logits, i) => {
          assertClose(logits, expected[i] ?? []);
        });
      } finally {
        await model.dispose();
      }
    });
  }

  it('decodes the same with weights left in the file, and knows that they are', async () => {
    const session = { threads: 1, shareWeights: true };
    const model = await loadModel(path.join(folder, 'model'), { workers: 1, session });
    try {
      assert.deepEqual(await decode(model), await decode(here));
      assert.match((await model.openGraph('step')).device.hardware?.runtime ?? '', /, weights shared$/);
      assert.doesNotMatch((await here.openGraph('step')).device.hardware?.runtime ?? '', /shared/);
    } finally {
      await model.dispose();
    }
  });

  it('decodes the same with threads that spin, and knows that they do', async () => {
    const model = await loadModel(path.join(folder, 'model'), { session: { threads: 2, spin: true } });
    try {
      assert.deepEqual(await decode(model), await decode(here));
      assert.match((await model.openGraph('step')).device.hardware?.runtime ?? '', /, spinning$/);
      assert.doesNotMatch((await here.openGraph('step')).device.hardware?.runtime ?? '', /spinning/);
    } finally {
      await model.dispose();
    }
  });

  it('lets both work at the same time, and goes on in the same one with a prompt that goes on', async () => {
    const busy: WorkerThread[] = [];
    const { model, threads, dispose } = await overTwoWorkers(thread => busy.push(thread));
    const generator = await openGenerator(model);
    const [first, second] = PROMPTS.slice(0, 2).map(prompt => generator.start(prompt));
    assert.ok(first && second);
    await Promise.all([first, second].map(scorer => scorer.score([rootHypothesis()])));
    assert.deepEqual(new Set(busy), new Set(threads));
    const prompt = { tokenIds: [2, 9, 8, 3, 14], segmentIds: [0, 0, 0, 0, 0] };
    const next = generator.start(prompt, { after: first });
    assert.equal(next.reused, 4);
    const alone = (await openGenerator(here)).start(prompt);
    assertClose(await next.score([rootHypothesis()]), await alone.score([rootHypothesis()]));
    for (const scorer of [next, second, alone]) scorer.release();
    assert.equal(generator.counts.cacheBytes, 0);
    await dispose();
  });

  it('fails the requests of a worker that dies, and only those; then a fresh one serves them', async () => {
    const { model, threads, dispose } = await overTwoWorkers(() => undefined);
    const generator = await openGenerator(model);
    const scorers = [0, 0].map(() => generator.start({ tokenIds: [2, 9, 8, 3], segmentIds: [0, 0, 0, 0] }));
    await Promise.all(scorers.map(scorer => scorer.score([rootHypothesis()])));
    const child = extendHypothesis(rootHypothesis(), 7);
    const asked = Promise.allSettled(scorers.map(scorer => scorer.score([child])));
    threads[0]?.terminate();
    const answers = await asked;
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    const again = await Promise.all(scorers.map(scorer => scorer.score([child])));
    const alone = (await openGenerator(here)).start({ tokenIds: [2, 9, 8, 3], segmentIds: [0, 0, 0, 0] });
    const expected = await alone.score([child]);
    for (const scores of again) assertClose(scores, expected);
    assert.equal(threads.length, 3);
    for (const scorer of [...scorers, alone]) scorer.release();
    await dispose();
  });

  it('goes on in a fresh worker when one died that had nothing to do', async () => {
    const { model, threads, dispose } = await overTwoWorkers(() => undefined);
    const generator = await openGenerator(model);
    const scorers = [0, 0].map(() => generator.start({ tokenIds: [2, 9, 8, 3], segmentIds: [0, 0, 0, 0] }));
    await Promise.all(scorers.map(scorer => scorer.score([rootHypothesis()])));
    await Promise.all(threads.map(thread => thread.terminate()));
    const child = extendHypothesis(rootHypothesis(), 7);
    const [first = [], second = []] = await Promise.all(scorers.map(scorer => scorer.score([child])));
    assertClose(first, second);
    for (const scorer of scorers) scorer.release();
    await dispose();
  });

  /** The model with its step graph in two workers; `onRun` hears of each run over a cache. */
  async function overTwoWorkers(onRun: (thread: WorkerThread) => void) {
    const threads: WorkerThread[] = [];
    const start = () => {
      const thread = startWorkerThread();
      const callCache = thread.callCache.bind(thread);
      thread.callCache = (call, transfer) => {
        if (call.kind === 'runCache') onRun(thread);
        return callCache(call, transfer);
      };
      threads.push(thread);
      return thread;
    };
    const entry = here.manifest.graphs.step ?? assert.fail();
    const files = { path: path.join(folder, 'model', entry.file) };
    const session = await workerProvider(2, start).open(files, entry, { threads: 1 });
    const model: GeneratingModel = { manifest: here.manifest, openGraph: async () => session };
    return { model, threads, dispose: () => session.dispose() };
  }
});
