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

/** Threads that say what they are asked for, by their number. */
function watched() {
  const all: WorkerThread[] = [];
  const calls: string[] = [];
  const start = () => {
    const thread = startWorkerThread();
    const number = all.push(thread) - 1;
    const call = thread.call.bind(thread);
    thread.call = (asked, transfer) => {
      calls.push(`${asked.kind} ${number}`);
      return call(asked, transfer);
    };
    return thread;
  };
  return { all, calls, start };
}

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

  it('waits for every thread before it refuses a graph, and closes it where it opened', async () => {
    const threads = watched();
    const session = await workerProvider(3, threads.start).open(files(), tinyPorts, { threads: 1 });
    const provider = workerProvider(3, () => {
      const thread = threads.start();
      const isLast = threads.all.length === 6;
      const call: WorkerThread['call'] = (asked, transfer) =>
        isLast ? Promise.reject(new SessionError({ what: 'a graph', found: 'refused' })) : thread.call(asked, transfer);
      return { ...thread, alive: true, pending: 0, call, terminate: () => thread.terminate() };
    });
    await assert.rejects(provider.open(files(), tinyPorts, { threads: 1 }), /a graph; found refused/);
    assert.deepEqual(threads.calls.slice(3), ['open 3', 'open 4', 'dispose 3', 'dispose 4']);
    assert.deepEqual(
      threads.all.map(({ alive }) => alive),
      [true, true, true, false, false, false],
    );
    await session.dispose();
  });

  it('starts no thread for a cache that is opened after the end', async () => {
    const threads = watched();
    const session = await workerProvider(1, threads.start).open(files(), tinyPorts, { threads: 1 });
    await session.dispose();
    const sizes = { layers: 1, heads: 1, headSize: 1, keySize: 1, hidden: 1, vocabSize: 1, segmentVocabSize: 0 };
    const cache = session.openCache?.({ ...sizes, maxPositions: null }) ?? assert.fail();
    await assert.rejects(cache.run({}, [], 'logits'), /its session was disposed/);
    assert.equal(cache.lost, true);
    assert.equal(threads.all.length, 1);
  });

  it('is disposed once, by whoever asks, and also when a thread dies meanwhile', async () => {
    const threads = watched();
    const session = await workerProvider(2, threads.start).open(files(), tinyPorts, { threads: 1 });
    const disposing = session.dispose();
    assert.equal(session.dispose(), disposing);
    threads.all[0]?.terminate();
    await disposing;
    assert.deepEqual(
      threads.all.map(({ alive }) => alive),
      [false, false],
    );
  });

  it('rejects the runs of a thread that dies and starts a fresh one', async () => {
    const threads = watched();
    const session = await workerProvider(1, threads.start).open(files(), tinyPorts, { threads: 1 });
    const [thread = assert.fail()] = threads.all;
    const call = thread.call.bind(thread);
    let ended: Promise<void> | undefined;
    // It dies before it can answer what is on its way.
    thread.call = (asked, transfer) => {
      ended ??= thread.terminate();
      return call(asked, transfer);
    };
    const runs = [session.run(feeds(1, 2), ['double']), session.run(feeds(3, 4), ['double'])];
    for (const run of runs) await assert.rejects(run, /session worker; found it ended with code 1/);
    await ended;
    assert.equal(await firstOf(session.run(feeds(5, 6), ['double'])), 10);
    assert.equal(threads.all.length, 2);
    await session.dispose();
    assert.equal(threads.all[1]?.alive, false);
  });

  it('spreads runs over threads', async () => {
    const threads = watched();
    const session = await workerProvider(2, threads.start).open(files(), tinyPorts, { threads: 1 });
    const results = await Promise.all([1, 2, 3, 4].map(value => firstOf(session.run(feeds(value, 0), ['double']))));
    assert.deepEqual(results, [2, 4, 6, 8]);
    assert.deepEqual(threads.calls.slice(2), ['run 0', 'run 1', 'run 0', 'run 1']);
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
