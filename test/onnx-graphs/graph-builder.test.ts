/**
 * The builder's bookkeeping and the checks of operators: mistakes are named where they are made.
 */
import assert from 'node:assert/strict';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { encodeGraph } from '../../onnx-graphs/onnx/encode-graph.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import type { GraphPlan } from '../../onnx-graphs/onnx/graph-plan.ts';
import { GraphError, productDims, sameElementCount, sumDims } from '../../onnx-graphs/onnx/value.ts';
import { add, and, where } from '../../onnx-graphs/ops/elementwise.ts';
import { gatherElements, gatherRows, scatterAdd } from '../../onnx-graphs/ops/indexing.ts';
import {
  concat,
  extentOf,
  reshape,
  reshapeTo,
  slice,
  squeeze,
  transpose,
  unsqueeze,
} from '../../onnx-graphs/ops/layout.ts';
import { cumSum, gemmTransposed, layerNormalization, matMul } from '../../onnx-graphs/ops/linear.ts';
import { WeightsError } from '../../src/core/errors.ts';
import { allHeads, openGraph, TINY } from './run-graph.ts';

describe('graph builder', () => {
  it('names nodes by path and operator', () => {
    const g = new GraphBuilder('test');
    const x = g.input('x', 'float32', ['B', 4]);
    const y = matMul(g.at('Dense').at('query'), x, g.weight('Dense', 'query/kernel', [4, 2]));
    g.output('y', add(g, y, y));
    const plan = g.plan();
    assert.deepEqual(
      plan.nodes.map(({ name, inputs, outputs }) => [name, ...inputs, ...outputs]),
      [
        ['/Dense/query/MatMul', 'x', 'Dense/query/kernel', '/Dense/query/MatMul:0'],
        ['/Add', '/Dense/query/MatMul:0', '/Dense/query/MatMul:0', 'y'],
      ],
    );
    assert.deepEqual(plan.weights, [{ name: 'Dense/query/kernel', shape: [4, 2] }]);
    assert.deepEqual(plan.outputs, [{ name: 'y', dtype: 'float32', shape: ['B', 2] }]);
  });

  it('stores equal constants once, and refuses large ones', () => {
    const g = new GraphBuilder('test');
    assert.deepEqual(g.constant('int64', [1, 2], [2]), g.at('elsewhere').constant('int64', [1, 2], [2]));
    g.constant('int64', [1, 2], [1, 2]);
    assert.equal(g.plan().constants.length, 2);
    assert.throws(() => g.constant('int64', Array(1025).fill(0), [1025]), /constant of 1025 elements/);
    assert.throws(() => g.constant('int64', [1], [2]), GraphError);
  });

  it('refuses names that are taken and values from elsewhere', () => {
    const g = new GraphBuilder('test');
    const x = g.input('x', 'float32', ['B']);
    const y = add(g, x, x);
    assert.throws(() => add(g, x, x), /node "\/Add" exists. Step into a child/);
    assert.throws(() => g.input('x', 'int64', []), /input "x" is declared twice/);
    assert.throws(() => g.output('z', x), /output "z"; expected a value made by an operator/);
    g.output('y', y);
    assert.throws(() => g.output('y', add(g.at('second'), x, x)), /output "y" is declared twice/);
    assert.throws(() => g.output('z', y), /output "z" is declared twice/);
    const other = new GraphBuilder('other').input('other', 'float32', ['B']);
    assert.throws(() => add(g.at('third'), x, other), /"\/third\/Add" reads a value of another graph/);
    g.weight('L', 'kernel', [2, 3]);
    assert.deepEqual(g.weight('L', 'kernel', [2, 3]).shape, [2, 3]);
    assert.throws(
      () => g.weight('L', 'kernel', [3, 2]),
      /weight "L\/kernel"; expected \[2, 3\] as before; found \[3, 2\]/,
    );
  });
});

describe('operators', () => {
  const g = new GraphBuilder('test');
  const value = (dtype: 'float32' | 'int64' | 'bool', ...shape: (number | string)[]) => ({ name: 'v', dtype, shape });
  const refused: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    'sizes that do not broadcast': [
      () => add(g.at('a'), value('float32', 'B', 3), value('float32', 4)),
      /^GraphError: \/a: Add; expected shapes that broadcast; found float32 \[B, 3\] and float32 \[4\]$/,
    ],
    'symbols that do not broadcast': [() => add(g, value('float32', 'T'), value('float32', 'R')), /Add/],
    'types that differ': [() => add(g, value('float32', 2), value('int64', 2)), /operands of type float32/],
    'numbers as conditions': [() => and(g, value('int64', 2), value('int64', 2)), /operands of type bool/],
    'a condition that is not bool': [
      () => where(g, value('float32', 1), value('float32', 1), value('float32', 1)),
      /operands of type bool/,
    ],
    'inner sizes': [() => matMul(g, value('float32', 2, 3), value('float32', 4, 5)), /matrices that can be multiplied/],
    'vectors as matrices': [() => matMul(g, value('float32', 3), value('float32', 3, 2)), /can be multiplied/],
    'tables of another width': [() => gemmTransposed(g, value('float32', 2, 3), value('float32', 5, 4)), /Gemm/],
    'a bias of another size': [
      () => gemmTransposed(g, value('float32', 2, 3), value('float32', 5, 3), value('float32', 4)),
      /a bias of 5/,
    ],
    'weights of another size': [
      () =>
        layerNormalization(g, value('float32', 2, 3), { gamma: value('float32', 3), beta: value('float32', 2) }, 1e-5),
      /weights of the size of the last axis/,
    ],
    'an incomplete order of axes': [() => transpose(g, value('float32', 2, 3), [0]), /the order \[0\] names/],
    'other element counts': [() => reshape(g, value('float32', 'B', 6), ['B', 4]), /can become \[B, 4\]/],
    'two symbols at once': [() => reshape(g, value('float32', 'A', 'B'), ['B', 'A']), /can become \[B, A\]/],
    'run-time shapes of other counts': [
      () => reshapeTo(g, value('float32', 'B', 6), [{ dim: 'T', size: value('int64', 1) }]),
      /can become \[T\]/,
    ],
    'axes outside': [() => cumSum(g, value('float32', 2), 1), /an operand with axis 1/],
    'squeezing more than one': [() => squeeze(g, value('float32', 2), 0), /an axis 0 of one/],
    'joining unequal shapes': [
      () => concat(g, [value('float32', 2, 3), value('float32', 2, 4)], 0),
      /shapes that differ along one axis/,
    ],
    'rows of other batches': [
      () => gatherRows(g, value('float32', 'B', 'R', 3), value('int64', 'T', 'K', 1)),
      /GatherND/,
    ],
    'indices of other rows': [
      () => gatherElements(g, value('float32', 'B', 3), value('int64', 'T', 3)),
      /last axis only/,
    ],
    'an update too many': [
      () => scatterAdd(g, value('float32', 3), value('int64', 2), value('float32', 3)),
      /an index for each update/,
    ],
  };
  for (const [name, [act, message]] of Object.entries(refused))
    it(`refuse ${name}`, () => assert.throws(act, error => error instanceof GraphError && message.test(String(error))));

  it('know the shapes they give', () => {
    const fresh = new GraphBuilder('test');
    const x = fresh.input('x', 'float32', ['B or 1', 'R', 1]);
    const y = fresh.input('y', 'float32', ['B', 1, 4]);
    assert.deepEqual(add(fresh, x, y).shape, ['B', 'R', 4]);
    assert.deepEqual(unsqueeze(fresh, y, 0, 2).shape, [1, 'B', 1, 1, 4]);
    assert.deepEqual(concat(fresh, [y, y], 0).shape, ['B+B', 1, 4]);
    assert.deepEqual(slice(fresh, y, { axis: -1, start: 1, size: 3 }).shape, ['B', 1, 3]);
    assert.deepEqual(reshape(fresh, y, ['B', 2, 2]).shape, ['B', 2, 2]);
  });

  it('calculate with symbols', () => {
    assert.deepEqual([sumDims('P', 'R'), sumDims(1, 2), sumDims('T', 1, 2)], ['P+R', 3, 'T+3']);
    assert.deepEqual([productDims('B', 'T'), productDims(2, 3), productDims(2, 'B')], ['B*T', 6, 'B*2']);
    assert.ok(sameElementCount(['B', 6, 'T'], ['T*B', 2, 3]));
    assert.ok(!sameElementCount(['B', 6], ['B', 5]));
  });

  it('take a size of zero for a size', async () => {
    const graph = await openGraph(fresh => {
      const x = fresh.input('x', 'float32', ['B', 'T']);
      return reshapeTo(fresh, x, [extentOf(fresh.at('T'), x, 1), extentOf(fresh.at('B'), x, 0)]);
    });
    const { y } = await graph.run({ x: { shape: [3, 0], data: [] } });
    assert.deepEqual(y?.shape, [0, 3]);
  });
});

describe('encoded graphs', () => {
  it('state where weights lie, and refuse places of the wrong size or type', () => {
    const g = new GraphBuilder('test');
    g.output('y', add(g, g.input('x', 'float32', [2]), g.weight('L', 'bias', [2])));
    const at = { file: 'weights.data', offset: 12345678901, length: 8, dtype: 'float32' } as const;
    const text = Buffer.from(encodeGraph(g.plan(), () => at)).toString('latin1');
    for (const part of ['L/bias', 'weights.data', '12345678901']) assert.ok(text.includes(part), part);
    const encode = (location: object) => () => encodeGraph(g.plan(), () => ({ ...at, ...location }));
    assert.throws(
      encode({ length: 4 }),
      /weight "L\/bias"; expected 8 bytes of float32 for shape \[2\]; found 4 bytes/,
    );
    assert.throws(encode({ dtype: 'float16' }), WeightsError);
  });

  it('use only operators that every execution provider has, recurrence aside', () => {
    const operators = new Set<string>();
    for (const [name, architecture] of Object.entries(architectures)) {
      for (const application of 'with_mlm' in allHeads(name) ? ['encoder', 'unilm'] : [undefined]) {
        const keywords = { hierarchical_position: true, ...allHeads(name), ...(application && { application }) };
        const config = architecture.parseConfig(TINY, keywords);
        for (const graph of architecture.describe(config).graphs) {
          const fresh = new GraphBuilder(graph);
          architecture.graphs[graph]?.(fresh, config);
          for (const op of operatorsOf(fresh.plan())) operators.add(op);
        }
      }
    }
    assert.deepEqual(
      [...operators].filter(op => !PORTABLE.has(op) && op !== 'LSTM'),
      [],
    );
  });
});

/** The operators of a graph and of its branches. */
function operatorsOf({ nodes }: GraphPlan): readonly string[] {
  return nodes.flatMap(({ op, attributes }) => [
    op,
    ...Object.values(attributes).flatMap(one => (one.kind === 'graph' ? operatorsOf(one.value) : [])),
  ]);
}

/** Standard operators seen to run on CPU, WebGPU (int64 index arithmetic falls back to CPU, before the first layer) and wasm. */
const PORTABLE = new Set(
  [
    'Add And Cast Concat CumSum Div Expand Floor Gather GatherElements GatherND Gelu Gemm Greater Identity If',
    'LayerNormalization LessOrEqual MatMul Max Min Mod Mul Or Range ReduceMax ReduceMean ReduceSum Reshape',
    'ScatterElements Shape Slice Softmax Sqrt Squeeze Sub Tanh TopK Transpose Unsqueeze Where',
  ].flatMap(line => line.split(' ')),
);
