/** The engine over sessions in worker threads, whose cache memory moves there and back, and over threads that die. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { extendHypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import type { Model } from '../../src/model.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { workerProvider } from '../../src/session/worker-node.ts';
import { startWorkerThread, type WorkerThread } from '../../src/session/worker-thread-node.ts';
import { assertClose, convertCase } from './converted-case.ts';

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
    there = await workerProvider({}, startMortal).open(files, entry, { threads: 1 });
  });

  after(async () => {
    await there.dispose();
    await model.dispose();
    await rm(folder, { recursive: true });
  });

  it('scores as over a session in this thread', async () => {
    const expected = await threeSteps(here);
    (await threeSteps(there)).forEach((scores, i) => {
      assertClose(scores, expected[i] ?? []);
    });
  });

  it('goes on with a fresh thread after one died, cache and all', async () => {
    const generator = createGenerator(there, model.manifest);
    const scorer = generator.start(PROMPT);
    const child = extendHypothesis(rootHypothesis(), 11);
    await scorer.score([child.parent ?? child]);
    doomed = true;
    await assert.rejects(scorer.score([child]), { code: 'SESSION' });
    const found = await scorer.score([extendHypothesis(child, 12)]);
    scorer.release();
    assertClose(found, (await threeSteps(here))[2] ?? []);
    assert.equal(generator.counts.cacheBytes, 0);
  });

  function startMortal(): WorkerThread {
    const thread = startWorkerThread();
    const call: WorkerThread['call'] = (message, transfer) => {
      // The thread is told to end before it can see the run, which takes the cache along.
      if (doomed && message.kind === 'run') thread.terminate();
      doomed &&= message.kind !== 'run';
      return thread.call(message, transfer);
    };
    return new Proxy(thread, { get: (target, key) => (key === 'call' ? call : memberOf(target, key)) });
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

function memberOf(target: WorkerThread, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key, target);
  return typeof value === 'function' ? value.bind(target) : value;
}
