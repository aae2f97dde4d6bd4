/**
 * Operators that rearrange elements without computing: https://github.com/onnx/onnx/blob/v1.17.0/docs/Operators.md
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { type Dim, sameElementCount, sumDims, type Value } from '../onnx/value.ts';
import { axisOf, fail, requireDtype } from './shape-rules.ts';

/** The length of an axis: how shapes write it, and an int64 vector of one that holds it when the graph runs. */
export interface Extent {
  readonly dim: Dim;
  readonly size: Value;
}

/** The extent of an axis of x. */
export function extentOf(g: GraphBuilder, x: Value, axis: number): Extent {
  const place = axisOf(g, 'Shape', x, axis);
  const attributes = { start: { kind: 'int', value: place }, end: { kind: 'int', value: place + 1 } } as const;
  return {
    dim: x.shape[place] ?? 1,
    size: g.emit({ op: 'Shape', inputs: [x], attributes, dtype: 'int64', shape: [1] }),
  };
}

/** An extent that is the same in every run. */
export function fixedExtent(g: GraphBuilder, size: number): Extent {
  return { dim: size, size: g.constant('int64', [size], [1]) };
}

/** The axes in another order: axis i of the result is axis `order[i]` of x. */
export function transpose(g: GraphBuilder, x: Value, order: readonly number[]): Value {
  if ([...order].sort().join() !== x.shape.map((_, axis) => axis).join())
    return fail(g, 'Transpose', `as many axes as the order [${order.join(', ')}] names`, x);
  const attributes = { perm: { kind: 'ints', value: order } } as const;
  const shape = order.map(axis => x.shape[axis] ?? 1);
  return g.emit({ op: 'Transpose', inputs: [x], attributes, dtype: x.dtype, shape });
}

/**
 * The same elements in another shape. At most one symbol may stand where x has another dimension; where more do, give
 * the sizes at run time with {@link reshapeTo}.
 */
export function reshape(g: GraphBuilder, x: Value, shape: readonly Dim[]): Value {
  const sizes = shape.map((dim, axis) => (typeof dim === 'number' ? dim : dim === x.shape[axis] ? 0 : -1));
  if (!sameElementCount(x.shape, shape) || sizes.filter(size => size === -1).length > 1)
    return fail(g, 'Reshape', `a value that can become [${shape.join(', ')}]`, x);
  const inputs = [x, g.constant('int64', sizes, [sizes.length])];
  return g.emit({ op: 'Reshape', inputs, dtype: x.dtype, shape });
}

/** The same elements in a shape whose sizes are known only when the graph runs. */
export function reshapeTo(g: GraphBuilder, x: Value, extents: readonly [Extent, ...Extent[]]): Value {
  const shape = extents.map(({ dim }) => dim);
  if (!sameElementCount(x.shape, shape)) return fail(g, 'Reshape', `a value that can become [${shape.join(', ')}]`, x);
  const attributes = { allowzero: { kind: 'int', value: 1 } } as const; // a size of 0 is a size, not "as in x"
  return g.emit({ op: 'Reshape', inputs: [x, sizesOf(g, extents)], attributes, dtype: x.dtype, shape });
}

/** Repeats axes of one up to sizes that are known only when the graph runs. */
export function expandTo(g: GraphBuilder, x: Value, extents: readonly [Extent, ...Extent[]]): Value {
  const shape = extents.map(({ dim }) => dim);
  return g.emit({ op: 'Expand', inputs: [x, sizesOf(g, extents)], dtype: x.dtype, shape });
}

/** Adds axes of one; `axes` are places in the result, counted from the front. */
export function unsqueeze(g: GraphBuilder, x: Value, ...axes: readonly number[]): Value {
  const dims = [...x.shape];
  const shape = Array.from({ length: dims.length + axes.length }, (_, axis) =>
    axes.includes(axis) ? 1 : (dims.shift() ?? 1),
  );
  const inputs = [x, g.constant('int64', axes, [axes.length])];
  return g.emit({ op: 'Unsqueeze', inputs, dtype: x.dtype, shape });
}

/** Takes away an axis of one. */
export function squeeze(g: GraphBuilder, x: Value, axis: number): Value {
  const place = axisOf(g, 'Squeeze', x, axis);
  if (x.shape[place] !== 1) return fail(g, 'Squeeze', `an axis ${axis} of one`, x);
  const inputs = [x, g.constant('int64', [place], [1])];
  return g.emit({ op: 'Squeeze', inputs, dtype: x.dtype, shape: x.shape.toSpliced(place, 1) });
}

/** Values one after the other along an axis; their other axes agree. */
export function concat(g: GraphBuilder, values: readonly [Value, ...Value[]], axis: number): Value {
  const [first] = values;
  requireDtype(g, 'Concat', values);
  const place = axisOf(g, 'Concat', first, axis);
  const others = values.map(value => value.shape.with(place, 0).join());
  if (others.some(other => other !== others[0]))
    return fail(g, 'Concat', 'shapes that differ along one axis', ...values);
  const shape = first.shape.with(place, sumDims(...values.map(value => value.shape[place] ?? 1)));
  const attributes = { axis: { kind: 'int', value: place } } as const;
  return g.emit({ op: 'Concat', inputs: values, attributes, dtype: first.dtype, shape });
}

/** A window along one axis. Bounds are numbers or int64 vectors of one; negative ones count from the end. */
export interface Window {
  readonly axis: number;
  readonly start: number | Value;
  /** Left out: up to the end. */
  readonly end?: number | Value;
  /** How the size of the window is written in shapes. */
  readonly size: Dim;
}

/** The elements of x inside a window; a window that reaches beyond x is cut. */
export function slice(g: GraphBuilder, x: Value, window: Window): Value {
  const axis = axisOf(g, 'Slice', x, window.axis);
  const bound = (value: number | Value): Value =>
    typeof value === 'number' ? g.constant('int64', [value], [1]) : value;
  const inputs = [
    x,
    bound(window.start),
    bound(window.end ?? Number.MAX_SAFE_INTEGER),
    g.constant('int64', [axis], [1]),
  ];
  return g.emit({ op: 'Slice', inputs, dtype: x.dtype, shape: x.shape.with(axis, window.size) });
}

function sizesOf(g: GraphBuilder, extents: readonly [Extent, ...Extent[]]): Value {
  const [first, ...rest] = extents;
  return concat(g, [first.size, ...rest.map(({ size }) => size)], 0);
}
