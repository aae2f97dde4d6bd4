/** Sessions in worker threads: same answers, moved memory, and threads that die. */
import assert from 'node:assert/strict';
import { SessionError } from '../../src/core/errors.ts';
import { float32Tensor, int64Tensor, type Tensor } from '../../src/core/tensor.ts';
import { workerProvider } from '../../src/session/worker-node.ts';
import { startWorkerThread, type WorkerThread } from '../../src/session/worker-thread-node.ts';
import { tinyGraph, tinyPorts } from './tiny-graph.ts';

const files = () => ({ graph: tinyGraph(), data: [] });
const feeds = (...values: number[]) => ({
  x: float32Tensor(Float32Array.from(values), [values.length / 2, 2]),
  n: int64Tensor(
    values.filter((_, i) => i % 2 === 0),
    [values.length / 2],
  ),
});
const firstOf = async (result: Promise<Readonly<Record<string, Tensor>>>) => (await result)['double']?.data[0];

describe('worker session', () => {
  it('answers as a session in this thread does, and leaves feeds as they were', async () => {
    const session = await workerProvider().open(files(), tinyPorts, { threads: 1 });
    const given = feeds(1, 2, 3, 4);
    const result = await session.run(given, ['double', 'count']);
    assert.deepEqual(result['double'], float32Tensor(Float32Array.of(2, 4, 6, 8), [2, 2]));
    assert.deepEqual(result['count'], int64Tensor([2, 6], [2]));
    assert.deepEqual(given, feeds(1, 2, 3, 4));
    assert.equal(session.device.device, 'cpu');
    await session.dispose();
    await assert.rejects(session.run(given, ['double']), /its session was disposed/);
  });

  it('moves lent feeds there and back', async () => {
    const session = await workerProvider().open(files(), tinyPorts, { threads: 1 });
    const memory = new Float32Array(1024);
    memory.set([7, 8], 100);
    const x = float32Tensor(memory.subarray(100, 102), [1, 2]);
    const result = await session.run({ ...feeds(1, 2), x }, ['double'], ['x']);
    assert.equal(memory.length, 0);
    assert.deepEqual(result['double']?.data, Float32Array.of(14, 16));
    assert.deepEqual(result['x']?.data, Float32Array.of(7, 8));
    assert.equal(result['x']?.data.byteOffset, 400);
    assert.equal(result['x']?.data.buffer.byteLength, 4096);
    await session.dispose();
  });

  it('reports what is wrong with a graph or a device when it is opened', async () => {
    const garbage = { graph: Uint8Array.of(1, 2, 3), data: [] };
    await assert.rejects(workerProvider().open(garbage, tinyPorts, {}), SessionError);
    await assert.rejects(workerProvider().open(files(), tinyPorts, { device: 'wasm' }), /expected one of auto, cpu/);
  });

  it('rejects the runs of a thread that dies and starts a fresh one', async () => {
    const threads: WorkerThread[] = [];
    const start = () => {
      const thread = startWorkerThread();
      threads.push(thread);
      return thread;
    };
    const session = await workerProvider(1, start).open(files(), tinyPorts, { threads: 1 });
    const runs = [session.run(feeds(1, 2), ['double']), session.run(feeds(3, 4), ['double'])];
    const ended = threads[0]?.terminate();
    for (const run of runs) await assert.rejects(run, /session worker; found it ended with code 1/);
    await ended;
    assert.equal(await firstOf(session.run(feeds(5, 6), ['double'])), 10);
    assert.equal(threads.length, 2);
    await session.dispose();
    assert.equal(threads[1]?.alive, false);
  });

  it('spreads runs over threads', async () => {
    const session = await workerProvider(2).open(files(), tinyPorts, { threads: 1 });
    const results = await Promise.all([1, 2, 3, 4].map(value => firstOf(session.run(feeds(value, 0), ['double']))));
    assert.deepEqual(results, [2, 4, 6, 8]);
    assert.equal(session.workers, 2);
    await session.dispose();
  });

  it('refuses numbers of workers and threads that make no sense', async () => {
    for (const workers of [0, -1, 1.5, Number.NaN, 5000]) {
      assert.throws(() => workerProvider(workers), { code: 'CONFIG', message: /workers; expected a whole number/ });
    }
    for (const threads of [0, 2.5, 5000]) {
      await assert.rejects(workerProvider().open(files(), tinyPorts, { threads }), { code: 'CONFIG' });
    }
  });
});
