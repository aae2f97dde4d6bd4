/**
 * The bidirectional LSTM against TensorFlow's `BasicLSTMCell` written out in double precision, sequence by sequence.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bidirectionalLstm, lstmLayers, lstmWeights } from '../../onnx-graphs/layers/lstm.ts';
import { cast } from '../../onnx-graphs/ops/elementwise.ts';
import { transpose } from '../../onnx-graphs/ops/layout.ts';
import { matrix, product, type Rows } from './naive.ts';
import { openGraph, type RunnableGraph, randomNumbers } from './run-graph.ts';

const SIZES = { input: 5, hidden: 3 };
const { input: I, hidden: H } = SIZES;

describe('bidirectional LSTM', () => {
  let graph: RunnableGraph;
  before(async () => {
    graph = await openGraph(g => {
      const x = transpose(g.at('in'), g.input('x', 'float32', ['B', 'T', I]), [1, 0, 2]);
      const lengths = cast(g, g.input('lengths', 'int64', ['B']), 'int32');
      return transpose(g.at('out'), bidirectionalLstm(g, x, lengths, lstmWeights(g, 'Layer', SIZES)), [1, 0, 2]); // [B, T, 2H]
    });
  });
  after(() => graph.release());

  it('is BasicLSTMCell over each sequence, and 0 beyond its length', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.string(), async (lengths, seed) => {
        const T = Math.max(...lengths);
        const values = randomNumbers(lengths.length * T * I, seed);
        const { y } = await graph.run({
          x: { shape: [lengths.length, T, I], data: values },
          lengths: { shape: [lengths.length], data: lengths },
        });
        assert.deepEqual(y?.shape, [lengths.length, T, 2 * H]);
        const expected = lengths.flatMap((length, row) => {
          const x = matrix(values.slice(row * T * I, (row * T + length) * I), I);
          const forward = basicLstm(graph, 'Layer-Forward', x);
          const backward = basicLstm(graph, 'Layer-Backward', [...x].reverse()).reverse();
          const states = forward.flatMap((state, t) => [...state, ...(backward[t] ?? [])]);
          return [...states, ...new Array<number>((T - length) * 2 * H).fill(0)];
        });
        expected.forEach((value, i) => {
          assert.ok(Math.abs(value - Number(y?.data[i])) < 1e-6, `${i}: ${y?.data[i]} for ${value}`);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('declares kernels of input and state rows', () => {
    assert.deepEqual(lstmLayers('Layer', SIZES), [
      { name: 'Layer-Forward', slots: [kernel(), { slot: 'bias', shape: [4 * H] }] },
      { name: 'Layer-Backward', slots: [kernel(), { slot: 'bias', shape: [4 * H] }] },
    ]);
  });
});

function kernel() {
  return { slot: 'kernel', shape: [I + H, 4 * H] };
}

/** https://github.com/tensorflow/tensorflow/blob/v1.2.1/tensorflow/python/ops/rnn_cell_impl.py#L277-L310 */
function basicLstm({ weights }: RunnableGraph, layer: string, inputs: Rows): number[][] {
  const kernel = matrix(Array.from(weights.get(`${layer}/kernel`) ?? []), 4 * H);
  const bias = Array.from(weights.get(`${layer}/bias`) ?? []);
  let c = new Array<number>(H).fill(0);
  let h = c;
  return inputs.map(x => {
    const gates = (product([[...x, ...h]], kernel)[0] ?? []).map((value, n) => value + (bias[n] ?? Number.NaN));
    const [i, j, f, o] = matrix(gates, H);
    c = c.map(
      (old, n) => old * sigmoid((f?.[n] ?? Number.NaN) + 1) + sigmoid(i?.[n]) * Math.tanh(j?.[n] ?? Number.NaN),
    );
    h = c.map((value, n) => Math.tanh(value) * sigmoid(o?.[n]));
    return h;
  });
}

function sigmoid(x = Number.NaN): number {
  return 1 / (1 + Math.exp(-x));
}
