/** Sessions of onnxruntime-node behind the interface of the session room. */
import assert from 'node:assert/strict';
import { SessionError } from '../../src/core/errors.ts';
import { float32Tensor, int64Tensor } from '../../src/core/tensor.ts';
import { chooseDevice } from '../../src/session/node-devices.ts';
import { nodeProvider } from '../../src/session/node-session.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { tinyGraph, tinyPorts } from './tiny-graph.ts';

const open = () => nodeProvider.open({ graph: tinyGraph(), data: [] }, tinyPorts, { threads: 1 });
const feeds = (values: readonly number[]) => ({
  x: float32Tensor(Float32Array.from(values), [values.length / 2, 2]),
  n: int64Tensor(
    values.filter((_, i) => i % 2 === 0),
    [values.length / 2],
  ),
});

describe('node session', () => {
  let session: GraphSession;
  before(async () => {
    session = await open();
  });
  after(() => session.dispose());

  it('runs a graph and returns only what is fetched', async () => {
    const result = await session.run(feeds([1, 2, 3, 4]), ['double']);
    assert.deepEqual(Object.keys(result), ['double']);
    assert.deepEqual(result['double'], float32Tensor(Float32Array.of(2, 4, 6, 8), [2, 2]));
  });

  it('takes views without copying and gives lent feeds back', async () => {
    const x = float32Tensor(Float32Array.of(9, 9, 1, 2).subarray(2), [1, 2]);
    const result = await session.run({ x, n: int64Tensor([5], [1]) }, ['double', 'count'], ['x']);
    assert.deepEqual(result['double']?.data, Float32Array.of(2, 4));
    assert.deepEqual(result['count']?.data, BigInt64Array.of(10n));
    assert.equal(result['x'], x);
  });

  it('answers concurrent runs in order', async () => {
    const order: number[] = [];
    const results = await Promise.all(
      [1, 2, 3].map(async value => {
        const result = await session.run(feeds([value, value]), ['double']);
        order.push(value);
        return result['double']?.data[0];
      }),
    );
    assert.deepEqual(results, [2, 4, 6]);
    assert.deepEqual(order, [1, 2, 3]);
  });

  it('says which feed is missing, unknown, or does not fit', async () => {
    const { x, n } = feeds([1, 2]);
    const refused: readonly [Parameters<GraphSession['run']>[0], RegExp][] = [
      [{ x }, /feed "n"; expected int64 \[B\]; found no such feed/],
      [{ x, n, y: x }, /graph input; expected one of x, n; found "y"/],
      [{ x: n, n }, /feed "x"; expected float32 \[B, 2\]; found int64 \[1\]/],
      [{ x: float32Tensor(new Float32Array(3), [1, 3]), n }, /feed "x".*found float32 \[1, 3\]/],
      [
        { x: { dtype: 'float32', shape: [1, 2], data: new Float32Array(0) }, n },
        /feed "x".*with 2 values; found float32 \[1, 2\] with 0/,
      ],
      [{ x, n: int64Tensor([1, 2], [2]) }, /feed "n"; expected int64 \[B\] with B = 1 as in "x"; found int64 \[2\]/],
    ];
    for (const [wrong, message] of refused) {
      await assert.rejects(
        session.run(wrong, ['double']),
        error => error instanceof SessionError && message.test(error.message),
      );
    }
    await assert.rejects(session.run({ x, n }, ['half']), /graph output; expected one of double, count; found "half"/);
  });

  it('finishes a run under way before it is disposed, and refuses the next', async () => {
    const brief = await open();
    const running = brief.run(feeds([1, 2]), ['double']);
    await brief.dispose();
    assert.deepEqual((await running)['double']?.data, Float32Array.of(2, 4));
    await assert.rejects(brief.run(feeds([1, 2]), ['double']), /run of a graph; found its session was disposed/);
    await brief.dispose();
  });

  it('refuses a graph that lacks a promised port, and bytes that are no graph', async () => {
    const ports = {
      ...tinyPorts,
      outputs: [...tinyPorts.outputs, { name: 'z', dtype: 'float32', shape: [] } as const],
    };
    await assert.rejects(nodeProvider.open({ graph: tinyGraph(), data: [] }, ports, {}), /as the manifest says/);
    const garbage = nodeProvider.open({ graph: Uint8Array.of(1, 2, 3), data: [] }, tinyPorts, {});
    await assert.rejects(garbage, SessionError);
  });
});

describe('devices', () => {
  it('keeps to a device asked for by name', async () => {
    assert.equal(chooseDevice('auto').device, 'cpu');
    assert.equal(chooseDevice('cuda').reason, 'asked for by name');
    assert.throws(() => chooseDevice('wasm'), /expected one of auto, cpu, cuda, webgpu on this platform; found wasm/);
  });
});
