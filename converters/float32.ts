/**
 * Stored element types → float32, as bytes and arrays in little-endian order. Typed arrays have the byte order of the
 * machine; every platform that Node and browsers run on is little-endian.
 */
import type { DType } from '../src/core/dtype.ts';
import { FormatError } from '../src/core/errors.ts';

/** The elements of `bytes`, of type `dtype`, as float32. float64 is rounded to nearest, as NumPy's `astype` does. */
export function toFloat32(bytes: Uint8Array, dtype: DType): Float32Array {
  switch (dtype) {
    case 'float32':
      return new Float32Array(...aligned(bytes, 4));
    case 'float64':
      return Float32Array.from(new Float64Array(...aligned(bytes, 8)));
    case 'float16':
      return fromHalf(new Uint16Array(...aligned(bytes, 2)));
    case 'bfloat16':
      return fromBfloat(new Uint16Array(...aligned(bytes, 2)));
    default:
      throw new FormatError({ what: 'element type of a weight', expected: 'a floating-point type', found: dtype });
  }
}

/** The bytes of an array, without copying them. */
export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A `rows` × `columns` matrix with its axes exchanged. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] ?? 0;
    }
  }
  return result;
}

function fromBfloat(stored: Uint16Array): Float32Array {
  const bits = new Uint32Array(stored.length);
  for (let i = 0; i < stored.length; i++) bits[i] = (stored[i] ?? 0) << 16;
  return new Float32Array(bits.buffer);
}

function fromHalf(stored: Uint16Array): Float32Array {
  const table = halfTable();
  const result = new Float32Array(stored.length);
  for (let i = 0; i < stored.length; i++) result[i] = table[stored[i] ?? 0] ?? 0;
  return result;
}

/** Value of every float16 bit pattern: sign, 5 bits of exponent (bias 15), 10 bits of fraction. */
function halfTable(): Float32Array {
  return Float32Array.from({ length: 1 << 16 }, (_, bits) => {
    const sign = bits >> 15 === 0 ? 1 : -1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/** Arguments of a typed array over `bytes`; a copy of them when they do not start at a multiple of the element size. */
function aligned(bytes: Uint8Array, size: number): [ArrayBufferLike, number, number] {
  const whole = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return [whole.buffer, whole.byteOffset, whole.length / size];
}
