/** Shared runs: who gets what, in which order, what is dropped, and that no call pays for another's mistake. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AbortedError, SessionError } from '../../src/core/errors.ts';
import { float32Tensor, type Tensor } from '../../src/core/tensor.ts';
import { packByLength } from '../../src/generation/length-batches.ts';
import { createRunQueue, type RunQueue } from '../../src/generation/run-queue.ts';
import { float32Output } from '../../src/session/float32-output.ts';
import type { GraphSession } from '../../src/session/session.ts';

/** An item's result is its number doubled; its length is its number of rows. */
interface Item {
  readonly value: number;
  readonly length: number;
}

/** A session that doubles, records its batches, and fails where a value is negative. */
function doubling() {
  const batches: number[][] = [];
  const gate = { wait: Promise.resolve() };
  const session: GraphSession = {
    device: { device: 'cpu', reason: 'test' },
    inputs: [],
    outputs: [],
    async run({ x }: Readonly<Record<string, Tensor>>) {
      assert.ok(x?.dtype === 'float32');
      const values = Array.from(x.data);
      batches.push(values);
      await gate.wait;
      if (values.some(value => value < 0)) throw new SessionError({ what: 'run', found: 'a negative number' });
      return {
        y: float32Tensor(
          x.data.map(value => 2 * value),
          x.shape,
        ),
      };
    },
    dispose: async () => undefined,
  };
  return { session, batches, gate };
}

function queueOver(session: GraphSession): RunQueue<Item, number> {
  return createRunQueue<Item, number>(session, {
    group: (items, budget) =>
      packByLength(
        items.map(({ length }) => length),
        { budget, runCost: 8 },
      ),
    input: batch => ({
      feeds: {
        x: float32Tensor(
          Float32Array.from(batch, ({ value }) => value),
          [batch.length],
        ),
      },
      fetches: ['y'],
      rows: batch.reduce((sum, { length }) => sum + length, 0),
      paddedRows: batch.length * Math.max(...batch.map(({ length }) => length)),
    }),
    results: outputs => Array.from(float32Output(outputs, 'y').data),
  });
}

const read = (result: number) => result;
const length = fc.integer({ min: 1, max: 40 });
const calls = fc.array(fc.array(length, { maxLength: 6 }), { minLength: 1, maxLength: 12 });
const turn = () => new Promise(resolve => setImmediate(resolve));

describe('a queue of runs', () => {
  it('gives every call its own results in its own order, whenever it comes', () =>
    fc.assert(
      fc.asyncProperty(calls, fc.integer({ min: 1, max: 120 }), fc.array(fc.boolean()), async (calls, budget, late) => {
        const { session, batches } = doubling();
        const queue = queueOver(session);
        let next = 0;
        const asked: Promise<void>[] = [];
        for (const [i, lengths] of calls.entries()) {
          const items = lengths.map(length => ({ length, value: next++ }));
          const check = (found: readonly number[]) =>
            assert.deepEqual(
              found,
              items.map(({ value }) => 2 * value),
            );
          asked.push(queue.ask(items, { read, budget }).then(check));
          if (late[i] === true) await turn();
        }
        await Promise.all(asked);
        const all = calls.flat();
        assert.deepEqual(
          batches.flat().sort((a, b) => a - b),
          all.map((_, i) => i),
        );
        for (const batch of batches) {
          const padded = batch.length * Math.max(...batch.map(value => all[value] ?? Number.NaN));
          assert.ok(batch.length === 1 || padded <= budget);
        }
        const { runs, rows, paddedRows, sessionMilliseconds } = queue.counts;
        assert.equal(runs, batches.length);
        assert.equal(
          rows,
          all.reduce((sum, length) => sum + length, 0),
        );
        assert.ok(paddedRows >= rows && sessionMilliseconds >= 0);
      }),
      { numRuns: 60 },
    ));

  it('computes in one run what several calls ask for in one turn', async () => {
    const { session, batches } = doubling();
    const queue = queueOver(session);
    const found = await Promise.all([1, 2, 3].map(value => queue.ask([{ value, length: 5 }], { read, budget: 100 })));
    assert.deepEqual(found, [[2], [4], [6]]);
    assert.deepEqual(batches, [[1, 2, 3]]);
  });

  it('keeps the smallest budget of those that wait', async () => {
    const { session, batches } = doubling();
    const queue = queueOver(session);
    await Promise.all([10, 20].map((budget, value) => queue.ask(items([value, value + 2], 5), { read, budget })));
    assert.deepEqual(
      batches.map(({ length }) => length),
      [2, 2],
    );
  });

  it('serves whoever has waited longest, and takes along what is of the same length', async () => {
    const { session, batches } = doubling();
    const queue = queueOver(session);
    await Promise.all([
      queue.ask([{ value: 1, length: 5 }], { read, budget: 100 }),
      queue.ask([{ value: 2, length: 90 }], { read, budget: 100 }),
      queue.ask([{ value: 3, length: 5 }], { read, budget: 100 }),
    ]);
    assert.deepEqual(
      batches.map(batch => batch.sort()),
      [[1, 3], [2]],
    );
  });

  it('drops what an aborted call still waits for, and nothing of the others', async () => {
    const { session, batches } = doubling();
    const queue = queueOver(session);
    const controller = new AbortController();
    const { signal } = controller;
    const stopped = queue.ask(items([1, 2], 50), { budget: 50, signal, read: () => controller.abort() });
    const other = queue.ask(items([3], 50), { read, budget: 50 });
    await assert.rejects(stopped, AbortedError);
    assert.deepEqual(await other, [6]);
    assert.deepEqual(batches, [[1], [3]]);
    await assert.rejects(queue.ask(items([4], 1), { read, budget: 50, signal }), AbortedError);
    assert.equal(queue.counts.runs, 2);
  });

  it('ends aborted calls when the run under way is over, however many wait before them', async () => {
    const { session, batches, gate } = doubling();
    let open: () => void = () => undefined;
    gate.wait = new Promise(resolve => {
      open = resolve;
    });
    const queue = queueOver(session);
    const controllers = [new AbortController(), new AbortController()];
    const asked = controllers.map(({ signal }, value) => queue.ask(items([value], 50), { read, budget: 50, signal }));
    const kept = queue.ask(items([2], 50), { read, budget: 50 });
    while (batches.length === 0) await turn();
    for (const controller of controllers) controller.abort('enough');
    const first = Promise.race([kept, asked[1]]);
    open();
    await assert.rejects(first, { code: 'ABORTED', cause: 'enough' });
    assert.deepEqual(await kept, [4]);
    assert.deepEqual(await asked[0], [0]);
    assert.deepEqual(batches, [[0], [2]]);
  });

  it('tells of a failed run those who had a part in it', async () => {
    const { session } = doubling();
    const queue = queueOver(session);
    const outcomes = await Promise.allSettled([
      queue.ask(items([-1], 5), { read, budget: 10 }),
      queue.ask(items([1], 5), { read, budget: 10 }),
      queue.ask(items([2, 3], 30), { read, budget: 10 }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(await queue.ask(items([4], 5), { read, budget: 10 }), [8]);
  });

  it('ends the call whose reader throws, and hands the others theirs', async () => {
    const { session, batches } = doubling();
    const queue = queueOver(session);
    const failing = queue.ask(items([1, 2], 60), {
      budget: 60,
      read: () => {
        throw new RangeError('unreadable');
      },
    });
    const other = queue.ask(items([3], 5), { read, budget: 60 });
    await assert.rejects(failing, RangeError);
    assert.deepEqual(await other, [6]);
    assert.deepEqual(batches, [[1], [3]]);
  });

  it('takes new calls into the runs after the one under way', async () => {
    const { session, batches, gate } = doubling();
    let open: () => void = () => undefined;
    gate.wait = new Promise(resolve => {
      open = resolve;
    });
    const queue = queueOver(session);
    const first = queue.ask(items([1], 5), { read, budget: 100 });
    while (batches.length === 0) await turn();
    const later = [2, 3].map(value => queue.ask(items([value], 5), { read, budget: 100 }));
    open();
    await Promise.all([first, ...later]);
    assert.deepEqual(batches, [[1], [2, 3]]);
  });

  it('asks nothing of the session for nothing', async () => {
    const { session, batches } = doubling();
    assert.deepEqual(await queueOver(session).ask([], { read, budget: 1 }), []);
    assert.deepEqual(batches, []);
  });
});

function items(values: readonly number[], length: number): Item[] {
  return values.map(value => ({ value, length }));
}
