/** Caches in another thread: what one that nobody has any more leaves there. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SessionError } from '../../src/core/errors.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { type CacheCall, remoteStepCache, serveCaches } from '../../src/session/remote-cache.ts';
import type { GraphSession } from '../../src/session/session.ts';

const none: Tensor = { dtype: 'float32', shape: [0], data: new Float32Array(0) };
const dimensions = {
  ...{ layers: 1, heads: 2, headSize: 4, keySize: 4, hidden: 8 },
  ...{ vocabSize: 10, segmentVocabSize: 0, maxPositions: null },
};

describe('cache in another thread', () => {
  it('is closed there once nobody has it, whatever it holds', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const calls: CacheCall[] = [];
    const send = async (call: CacheCall): Promise<null> => {
      calls.push(call);
      return null;
    };
    for (const cache of [7, 8]) remoteStepCache({ alive: true, send }, dimensions, { cache, session: 0 }).add(1, 0);
    const kept = remoteStepCache({ alive: true, send }, dimensions, { cache: 9, session: 0 });
    const closed = () => calls.flatMap(call => (call.kind === 'closeCache' ? call.cache : [])).sort();
    for (let turn = 0; turn < 100 && closed().length < 2; turn++) {
      collectGarbage();
      await setImmediate();
    }
    assert.deepEqual(closed(), [7, 8]);
    kept.add(2, 5);
    assert.deepEqual(calls.at(-1), {
      kind: 'changeCache',
      cache: 9,
      change: { change: 'add', lanes: [0, 1], room: 5 },
    });
  });

  it('is gone after that, and others are not', async () => {
    const session: GraphSession = {
      ...{ device: { device: 'cpu', reason: '' }, inputs: [], outputs: [] },
      run: async (_feeds, fetches) => Object.fromEntries(fetches.map(name => [name, none])),
      dispose: async () => undefined,
    };
    const answer = serveCaches(() => session);
    for (const cache of [1, 2]) answer({ kind: 'openCache', cache, session: 0, dimensions });
    answer({ kind: 'closeCache', cache: 1 });
    const run = (cache: number) => answer({ kind: 'runCache', cache, feeds: {}, lanes: [], output: 'logits' });
    assert.throws(() => run(1), { code: 'SESSION', message: /cache in worker; found none of number 1/ });
    assert.deepEqual(await run(2), new Float32Array(0));
  });

  it('is lost once a run fails, since the memory may be, and gives its lanes back', async () => {
    const removed: unknown[] = [];
    const session = {
      openCache: () => ({
        add: () => [{ index: 0, used: 0 }],
        remove: (lane: unknown) => removed.push(lane),
        run: () => Promise.reject(new SessionError({ what: 'WebGPU device', found: 'lost' })),
      }),
    } as unknown as GraphSession;
    const serve = serveCaches(() => session);
    const cache = remoteStepCache({ alive: true, send: async call => serve(call) }, dimensions, {
      cache: 0,
      session: 0,
    });
    const [lane = assert.fail()] = cache.add(1, 0);
    assert.equal(cache.lost, false);
    await assert.rejects(cache.run({}, [lane], 'logits'), /^SessionError: WebGPU device; found lost/);
    assert.equal(cache.lost, true);
    cache.remove(lane);
    assert.equal(removed.length, 1);
    cache.add(1, 0);
    serve({ kind: 'closeCache', cache: 0 });
    assert.equal(removed.length, 2, 'a cache that is closed gives the lanes back that it still has');
  });
});
