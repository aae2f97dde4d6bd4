/**
 * What operators require of their operands, checked while a graph is written, so that a mistake is reported where it was
 * made and not by ONNX Runtime at load.
 */
import type { DType } from '../../src/core/dtype.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { type Dim, describeValue, GraphError, type Value } from '../onnx/value.ts';

/**
 * The shape of an element-wise operation on values of these shapes, by NumPy's broadcasting rules.
 * @throws GraphError when two sizes differ and neither is one.
 */
export function broadcast(g: GraphBuilder, op: string, ...values: readonly Value[]): readonly Dim[] {
  const rank = Math.max(...values.map(value => value.shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const dims = values.map(value => value.shape[axis - rank + value.shape.length] ?? 1);
    return dims.reduce((a, b) => broadcastDim(a, b) ?? fail(g, op, 'shapes that broadcast', ...values));
  });
}

/** @throws GraphError when the values are not all of one element type (and of `dtype`, where it is given). */
export function requireDtype(g: GraphBuilder, op: string, values: readonly Value[], dtype?: DType): void {
  const wanted = dtype ?? values[0]?.dtype;
  if (values.some(value => value.dtype !== wanted)) fail(g, op, `operands of type ${wanted}`, ...values);
}

/** The place of an axis counted from the front; negative ones count from the back. @throws GraphError when outside. */
export function axisOf(g: GraphBuilder, op: string, value: Value, axis: number): number {
  const place = axis < 0 ? axis + value.shape.length : axis;
  return place >= 0 && place < value.shape.length ? place : fail(g, op, `an operand with axis ${axis}`, value);
}

/** Throws the GraphError of an operator that was given the wrong operands. */
export function fail(g: GraphBuilder, op: string, expected: string, ...found: readonly Value[]): never {
  throw new GraphError({ what: op, place: g.path, expected, found: found.map(describeValue).join(' and ') });
}

function broadcastDim(a: Dim, b: Dim): Dim | undefined {
  if (a === b || b === 1 || b === `${a} or 1`) return a;
  return a === 1 || a === `${b} or 1` ? b : undefined;
}
