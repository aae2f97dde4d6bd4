/**
 * The key under which a part of a partitioned variable is stored: an order-preserving encoding of (0, name, rank, and
 * start and length per axis).
 * https://github.com/tensorflow/tensorflow/blob/08df8c40b4376ed012fa3ba03ff3e3068d8d2a94/tensorflow/core/util/saved_tensor_slice_util.cc
 * https://github.com/tensorflow/tensorflow/blob/233739d9e063cf4666e437290db486a5381c3e7d/tensorflow/core/lib/strings/ordered_code.cc
 */
import type { SliceExtent } from './bundle-proto.ts';

/** What every such key begins with, and no other: the number 0. */
export const SLICE_KEY_START = '\0';

/** A whole axis is written as this length. */
const WHOLE_AXIS = -1;

/**
 * The key of the part `slice` of the variable `name`; both are strings of one character per byte.
 * Starts are at least 0, and the rank is 1 to 255.
 */
export function sliceKey(name: string, slice: readonly SliceExtent[]): string {
  const numbers = slice.flatMap(({ start, length }) => [start, length ?? WHOLE_AXIS]);
  return `${SLICE_KEY_START}${escapeName(name)}\x01${String.fromCharCode(slice.length)}${numbers.map(signedNumber).join('')}`;
}

/** The two bytes that delimit strings are escaped; the end is marked by 0, 1. */
function escapeName(name: string): string {
  return `${name.replaceAll(/[\0\xff]/g, char => (char === '\0' ? '\0\xff' : '\xff\0'))}\0\x01`;
}

/** As many leading one bits as there are bytes, then the number, big-endian: n bytes hold 7 n - 1 bits. */
function signedNumber(value: number): string {
  if (value === WHOLE_AXIS) return '\x7f';
  const size = Math.floor(value.toString(2).length / 7) + 1;
  const bytes = Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** (size - 1 - index)) % 256);
  const mark = (0xff << (8 - size)) & 0xff;
  return String.fromCharCode(mark | (bytes[0] ?? 0), ...bytes.slice(1));
}
