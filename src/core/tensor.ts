/**
 * A tensor as it crosses rooms: element type, shape, and a typed array in row-major order. Only the types that graphs
 * take and return appear here; a checkpoint's other types are converted where they are read.
 */
import { elementCount } from './dtype.ts';
import { InputError } from './errors.ts';

/** A dense tensor. `int64` and `bool` use the arrays that ONNX Runtime uses. */
export type Tensor =
  | { readonly dtype: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'int64'; readonly shape: readonly number[]; readonly data: BigInt64Array }
  | { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'bool'; readonly shape: readonly number[]; readonly data: Uint8Array };

/** A float32 tensor. Throws an InputError when `data` does not have the shape's number of elements. */
export function float32Tensor(data: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: 'float32', shape, data: checked(data, shape) };
}

/** An int64 tensor of integers; ids, segments and positions enter graphs in this form. */
export function int64Tensor(values: readonly number[] | Int32Array, shape: readonly number[]): Tensor {
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i] ?? 0);
  return { dtype: 'int64', shape, data: checked(data, shape) };
}

/** Rows of integers as an int64 tensor [rows, longest], padded with 0 at their ends. */
export function paddedTensor(rows: readonly (readonly number[])[]): Tensor {
  const longest = Math.max(...rows.map(row => row.length));
  const values = new Int32Array(rows.length * longest);
  for (const [i, row] of rows.entries()) values.set(row, i * longest);
  return int64Tensor(values, [rows.length, longest]);
}

/** A bool tensor; each byte is 0 or 1. */
export function boolTensor(data: Uint8Array, shape: readonly number[]): Tensor {
  return { dtype: 'bool', shape, data: checked(data, shape) };
}

function checked<A extends { readonly length: number }>(data: A, shape: readonly number[]): A {
  if (data.length !== elementCount(shape)) {
    throw new InputError({
      what: 'tensor size',
      expected: `${elementCount(shape)} elements for shape [${shape.join(', ')}]`,
      found: `${data.length} elements`,
    });
  }
  return data;
}
