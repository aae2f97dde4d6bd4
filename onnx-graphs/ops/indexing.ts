/**
 * Operators that pick elements by index: https://github.com/onnx/onnx/blob/v1.17.0/docs/Operators.md
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Dim, Value } from '../onnx/value.ts';
import { axisOf, fail } from './shape-rules.ts';

/** Slices of x along an axis, one for each index: [n, D] at [B, T] along 0 → [B, T, D]. */
export function gather(g: GraphBuilder, x: Value, indices: Value, axis = 0): Value {
  const place = axisOf(g, 'Gather', x, axis);
  const attributes = { axis: { kind: 'int', value: place } } as const;
  const shape = x.shape.toSpliced(place, 1, ...indices.shape);
  return g.emit({ op: 'Gather', inputs: [x, indices], attributes, dtype: x.dtype, shape });
}

/** Rows picked per batch element: x [B, R, D] at [B, K] → [B, K, D]. */
export function gatherRows(g: GraphBuilder, x: Value, rows: Value): Value {
  const [batch, , ...rest] = x.shape;
  const [batchOfRows, count, one] = rows.shape;
  if (batch === undefined || count === undefined || batch !== batchOfRows || one !== 1)
    return fail(g, 'GatherND', 'values [B, R, ...] and rows [B, K, 1]', x, rows);
  const attributes = { batch_dims: { kind: 'int', value: 1 } } as const;
  return g.emit({ op: 'GatherND', inputs: [x, rows], attributes, dtype: x.dtype, shape: [batch, count, ...rest] });
}

/** result[..., i] = x[..., indices[..., i]]: one element of the last axis for each index. */
export function gatherElements(g: GraphBuilder, x: Value, indices: Value): Value {
  if (x.shape.slice(0, -1).join() !== indices.shape.slice(0, -1).join())
    return fail(g, 'GatherElements', 'shapes that differ in the last axis only', x, indices);
  const attributes = { axis: { kind: 'int', value: x.shape.length - 1 } } as const;
  return g.emit({ op: 'GatherElements', inputs: [x, indices], attributes, dtype: x.dtype, shape: indices.shape });
}

/** x with `updates` added to the elements of the last axis that `indices` name; an index may occur more than once. */
export function scatterAdd(g: GraphBuilder, x: Value, indices: Value, updates: Value): Value {
  if (indices.shape.join() !== updates.shape.join())
    return fail(g, 'ScatterElements', 'an index for each update', indices, updates);
  const attributes = {
    axis: { kind: 'int', value: x.shape.length - 1 },
    reduction: { kind: 'string', value: 'add' },
  } as const;
  return g.emit({ op: 'ScatterElements', inputs: [x, indices, updates], attributes, dtype: x.dtype, shape: x.shape });
}

/** The largest elements of the last axis in descending order, of equal ones the first, and their places, int64. */
export function topK(g: GraphBuilder, x: Value, { count, dim }: { readonly count: Value; readonly dim: Dim }) {
  if (count.dtype !== 'int64' || count.shape.join() !== '1') return fail(g, 'TopK', 'a count, int64 [1]', count);
  const shape = x.shape.with(-1, dim);
  const [values, places] = g.emitPair({ op: 'TopK', inputs: [x, count] }, [
    { dtype: x.dtype, shape },
    { dtype: 'int64', shape },
  ]);
  return { values, places };
}
