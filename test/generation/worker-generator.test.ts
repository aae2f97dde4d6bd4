/** The engine over sessions in worker threads, whose cache memory moves there and back, and over threads that die. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { extendHypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import type { Model } from '../../src/model.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { workerProvider } from '../../src/session/worker-node.ts';
import { startWorkerThread, type WorkerThread } from '../../src/session/worker-thread-node.ts';
import { assertClose, convertCase } from './converted-case.ts';
import { compareScorers, requestOf } from './random-requests.ts';

const PROMPT = { tokenIds: [2, 9, 8, 7], segmentIds: [0, 0, 0, 0] };

describe('generation engine over a worker', () => {
  /** Set to end the thread with its next run. */
  let doomed = false;
  let folder = '';
  let model: Model;
  let here: GraphSession;
  let there: GraphSession;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-worker-'));
    ({ model, session: here } = await convertCase('nezha-lm', path.join(folder, 'model')));
    const entry = model.manifest.graphs.step ?? assert.fail();
    const files = { path: path.join(folder, 'model', entry.file) };
    there = await workerProvider(1, startMortal).open(files, entry, { threads: 1 });
  });

  after(async () => {
    await there.dispose();
    await model.dispose();
    await rm(folder, { recursive: true });
  });

  /** With the cache in the worker, and with a cache here that each run is lent. */
  const places = [
    { name: 'cache there', sessionOf: () => there },
    { name: 'cache lent', sessionOf: () => withoutCache(there) },
  ];

  for (const { name, sessionOf } of places) {
    it(`scores as over a session in this thread: ${name}`, async () => {
      const expected = await threeSteps(here);
      (await threeSteps(sessionOf())).forEach((scores, i) => {
        assertClose(scores, expected[i] ?? []);
      });
    });

    it(`goes on with a fresh thread after one died, cache and all: ${name}`, async () => {
      const generator = createGenerator(sessionOf(), model.manifest);
      const [scorer, other] = [generator.start(PROMPT), generator.start(PROMPT)];
      const child = extendHypothesis(rootHypothesis(), 11);
      await Promise.all([scorer.score([rootHypothesis()]), other.score([rootHypothesis()])]);
      other.rest();
      doomed = true;
      await assert.rejects(scorer.score([child]), { code: 'SESSION' });
      const found = await Promise.all([scorer, other].map(one => one.score([extendHypothesis(child, 12)])));
      const [, , expected = []] = await threeSteps(here);
      for (const scores of found) assertClose(scores, expected);
      scorer.release();
      other.release();
      assert.equal(generator.counts.cacheBytes, 0);
    });
  }

  it('agrees with the worker on where everything lies, whatever is asked for', async () => {
    const plain = createGenerator(here, model.manifest, { recomputeUpTo: Number.POSITIVE_INFINITY });
    await fc.assert(
      fc.asyncProperty(fc.array(requestOf(model), { minLength: 1, maxLength: 4 }), async requests => {
        const cached = createGenerator(there, model.manifest, { maxBatchTokens: 64 });
        await Promise.all(requests.map(request => compareScorers(request, cached, plain)));
        assert.equal(cached.counts.cacheBytes, 0);
      }),
      { numRuns: 15 },
    );
  });

  function startMortal(): WorkerThread {
    const thread = startWorkerThread();
    // The thread is told to end before it can see the run, which takes the cache along.
    const endBefore = (kind: string) => {
      if (!doomed || !kind.startsWith('run')) return;
      doomed = false;
      thread.terminate();
    };
    const call: WorkerThread['call'] = (message, transfer) => {
      endBefore(message.kind);
      return thread.call(message, transfer);
    };
    const callCache: WorkerThread['callCache'] = (message, transfer) => {
      endBefore(message.kind);
      return thread.callCache(message, transfer);
    };
    return {
      get pending() {
        return thread.pending;
      },
      get alive() {
        return thread.alive;
      },
      call,
      callCache,
      terminate: () => thread.terminate(),
    };
  }

  async function threeSteps(session: GraphSession): Promise<readonly ArrayLike<number>[]> {
    const scorer = createGenerator(session, model.manifest).start(PROMPT);
    const child = extendHypothesis(rootHypothesis(), 11);
    const scores: ArrayLike<number>[] = [];
    for (const hypothesis of [rootHypothesis(), child, extendHypothesis(child, 12)]) {
      scores.push(await scorer.score([hypothesis]));
    }
    scorer.release();
    return scores;
  }
});

/** The same session, beside which nothing is kept. */
function withoutCache(session: GraphSession): GraphSession {
  const { device, inputs, outputs } = session;
  const run: GraphSession['run'] = (feeds, fetches, lend) => session.run(feeds, fetches, lend);
  return { device, inputs, outputs, run, dispose: () => session.dispose() };
}
