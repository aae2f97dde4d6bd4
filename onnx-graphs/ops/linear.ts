/**
 * Products, sums and normalisations along axes: https://github.com/onnx/onnx/blob/v1.17.0/docs/Operators.md
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { type Extent, squeeze } from './layout.ts';
import { axisOf, broadcast, fail, requireDtype } from './shape-rules.ts';

/** The matrix product over the last two axes; the others broadcast: [..., n, k] · [..., k, m] → [..., n, m]. */
export function matMul(g: GraphBuilder, a: Value, b: Value): Value {
  requireDtype(g, 'MatMul', [a, b], 'float32');
  const [rows, inner] = a.shape.slice(-2);
  const [innerB, columns] = b.shape.slice(-2);
  if (rows === undefined || inner === undefined || columns === undefined || inner !== innerB)
    return fail(g, 'MatMul', 'matrices that can be multiplied', a, b);
  const batch = broadcast(g, 'MatMul', withoutMatrix(a), withoutMatrix(b));
  return g.emit({ op: 'MatMul', inputs: [a, b], dtype: 'float32', shape: [...batch, rows, columns] });
}

/** x · tableᵀ + bias of plain matrices: [n, k], [m, k], [m] → [n, m]. Reads the table as it lies, unlike a Transpose. */
export function gemmTransposed(g: GraphBuilder, x: Value, table: Value, bias?: Value): Value {
  const [rows, inner, ...restX] = x.shape;
  const [columns, innerB, ...restTable] = table.shape;
  if (rows === undefined || columns === undefined || inner !== innerB || restX.length + restTable.length > 0)
    return fail(g, 'Gemm', 'two matrices with rows of the same length', x, table);
  if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== columns))
    return fail(g, 'Gemm', `a bias of ${columns}`, bias);
  const inputs = bias === undefined ? [x, table] : [x, table, bias];
  requireDtype(g, 'Gemm', inputs, 'float32');
  const attributes = { transB: { kind: 'int', value: 1 } } as const;
  return g.emit({ op: 'Gemm', inputs, attributes, dtype: 'float32', shape: [rows, columns] });
}

/** Softmax over the last axis. */
export function softmax(g: GraphBuilder, x: Value): Value {
  requireDtype(g, 'Softmax', [x], 'float32');
  const attributes = { axis: { kind: 'int', value: -1 } } as const;
  return g.emit({ op: 'Softmax', inputs: [x], attributes, dtype: x.dtype, shape: x.shape });
}

/** γ (x - mean) / √(variance + ε) + β over the last axis. */
export function layerNormalization(
  g: GraphBuilder,
  x: Value,
  weights: { readonly gamma: Value; readonly beta: Value },
  epsilon: number,
): Value {
  const inputs = [x, weights.gamma, weights.beta];
  requireDtype(g, 'LayerNormalization', inputs, 'float32');
  if (inputs.some(value => value.shape.at(-1) !== x.shape.at(-1)))
    return fail(g, 'LayerNormalization', 'weights of the size of the last axis', ...inputs);
  const attributes = { axis: { kind: 'int', value: -1 }, epsilon: { kind: 'float', value: epsilon } } as const;
  return g.emit({ op: 'LayerNormalization', inputs, attributes, dtype: x.dtype, shape: x.shape });
}

/** The sum over one axis, which stays as an axis of one. */
export function reduceSum(g: GraphBuilder, x: Value, axis: number): Value {
  const place = axisOf(g, 'ReduceSum', x, axis);
  const inputs = [x, g.constant('int64', [place], [1])];
  return g.emit({ op: 'ReduceSum', inputs, dtype: x.dtype, shape: x.shape.with(place, 1) });
}

/** The mean over one axis, which stays as an axis of one. */
export function reduceMean(g: GraphBuilder, x: Value, axis: number): Value {
  const place = axisOf(g, 'ReduceMean', x, axis);
  const inputs = [x, g.constant('int64', [place], [1])];
  return g.emit({ op: 'ReduceMean', inputs, dtype: x.dtype, shape: x.shape.with(place, 1) });
}

/** The largest of one axis, which stays as an axis of one. */
export function reduceMax(g: GraphBuilder, x: Value, axis: number): Value {
  const place = axisOf(g, 'ReduceMax', x, axis);
  const inputs = [x, g.constant('int64', [place], [1])];
  return g.emit({ op: 'ReduceMax', inputs, dtype: x.dtype, shape: x.shape.with(place, 1) });
}

/** Running sums along an axis. */
export function cumSum(g: GraphBuilder, x: Value, axis: number): Value {
  const inputs = [x, g.constant('int64', [axisOf(g, 'CumSum', x, axis)])];
  return g.emit({ op: 'CumSum', inputs, dtype: x.dtype, shape: x.shape });
}

/** The places 0, 1 … of an axis, int64. */
export function range(g: GraphBuilder, extent: Extent): Value {
  const inputs = [g.constant('int64', [0]), squeeze(g, extent.size, 0), g.constant('int64', [1])];
  return g.emit({ op: 'Range', inputs, dtype: 'int64', shape: [extent.dim] });
}

function withoutMatrix(value: Value): Value {
  return { ...value, shape: value.shape.slice(0, -2) };
}
