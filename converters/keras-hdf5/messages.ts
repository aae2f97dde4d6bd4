/**
 * What the messages of an object header say: type, shape and place of an array's elements. Every field that another
 * value would give another meaning is checked, so that a flipped bit can't turn floats into integers.
 *
 * HDF5 File Format Specification 3.0, sections IV.A.2.b (dataspace), IV.A.2.d (datatype), IV.A.2.i (layout).
 */
import type { DType } from '../../src/core/dtype.ts';
import type { Extent, FileImage } from './file-image.ts';

/** Ranks above 32 can't be stored in HDF5. */
const MAX_RANK = 32;

/** Address that stands for "no storage". */
const UNDEFINED = 0xffffffffffffffffn;

/** Type of elements. */
export type ElementType =
  | { readonly kind: 'number'; readonly dtype: DType; readonly size: number; readonly bigEndian: boolean }
  /** Strings of `size` bytes each. */
  | { readonly kind: 'fixed-text'; readonly size: number }
  /** Strings on the global heap; an element is a 16-byte heap id. */
  | { readonly kind: 'heap-text'; readonly size: 16 }
  | { readonly kind: 'other'; readonly size: number; readonly name: string };

/** Where a dataset's elements are. */
export type Layout =
  | { readonly kind: 'contiguous'; readonly extent: Extent }
  | {
      readonly kind: 'chunked';
      readonly chunk: readonly number[];
      readonly tree: number;
      readonly elementSize: number;
    };

/** [exponent location, exponent size, mantissa location, mantissa size, exponent bias] of the floats we know. */
const FLOATS: readonly (readonly [DType, size: number, fields: string])[] = [
  ['float16', 2, '10,5,0,10,15'],
  ['bfloat16', 2, '7,8,0,7,127'],
  ['float32', 4, '23,8,0,23,127'],
  ['float64', 8, '52,11,0,52,1023'],
];

const INTEGERS: Readonly<Record<string, DType>> = {
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
};

const CLASSES = ['integer', 'float', 'time', 'string', 'bitfield', 'opaque', 'compound', 'reference', 'enum', 'string'];

/** Shape in a dataspace message; `[]` for a scalar. @throws FormatError */
export function readDataspace(image: FileImage, { begin, length }: Extent): readonly number[] {
  const { view } = image;
  const version = length < 4 ? 0 : view.getUint8(begin);
  const rank = length < 4 ? 0 : view.getUint8(begin + 1);
  const header = version === 1 ? 8 : 4;
  // Bit 0 of the flags: as many greatest sizes follow. Messages are padded to a multiple of 8 at most.
  const needed = header + 8 * rank * (length >= 4 && (view.getUint8(begin + 2) & 1) === 1 ? 2 : 1);
  if ((version !== 1 && version !== 2) || rank > MAX_RANK || length < needed || length - needed >= 8) {
    throw image.error(`dataspace at ${begin}`, 'version 1 or 2', `version ${version}, rank ${rank}, ${length} bytes`);
  }
  const shape = Array.from({ length: rank }, (_, i) => image.u64(begin + header + 8 * i));
  if (!Number.isSafeInteger(shape.reduce((count, size) => count * size, 1))) {
    throw image.error(`dataspace at ${begin}`, 'a number of elements below 2^53', `[${shape.join(', ')}]`);
  }
  return shape;
}

/** Element type in a datatype message. @throws FormatError */
export function readDatatype(image: FileImage, { begin, length }: Extent): ElementType {
  const { view } = image;
  if (length < 8) throw image.error(`datatype at ${begin}`, '8 bytes', `${length}`);
  const size = view.getUint32(begin + 4, true);
  const classNumber = view.getUint8(begin) & 15;
  const fields = { begin: begin + 8, length: length - 8 };
  if (classNumber === 0) return integerType(image, fields, size);
  if (classNumber === 1) return floatType(image, fields, size);
  if (classNumber === 3) return { kind: 'fixed-text', size };
  if (classNumber === 9 && (view.getUint8(begin + 1) & 15) === 1 && size === 16) return { kind: 'heap-text', size };
  return { kind: 'other', size, name: CLASSES[classNumber] ?? `class ${classNumber}` };
}

/** Place of the elements in a layout message. @throws FormatError */
export function readLayout(image: FileImage, { begin, length }: Extent): Layout {
  const { view } = image;
  const version = length < 4 ? 0 : view.getUint8(begin);
  const kind = length < 4 ? 0 : view.getUint8(begin + 1);
  const minimum = [4, 18, 11][kind];
  if (version !== 3 || minimum === undefined || length < minimum) {
    throw image.error(`data layout at ${begin}`, 'version 3', `version ${version}, class ${kind}, ${length} bytes`);
  }
  if (kind === 0) return { kind: 'contiguous', extent: compact(image, { begin, length }) };
  if (kind === 2) return chunked(image, { begin, length });
  const size = image.u64(begin + 10);
  const address = view.getBigUint64(begin + 2, true);
  if (address === UNDEFINED && size > 0)
    throw image.error(`data layout at ${begin}`, 'stored elements', 'none written');
  return { kind: 'contiguous', extent: { begin: size === 0 ? 0 : Number(address), length: size } };
}

function integerType(image: FileImage, { begin, length }: Extent, size: number): ElementType {
  const { view } = image;
  const bits = view.getUint8(begin - 7);
  const dtype = INTEGERS[`${bits & 8 ? 'i' : 'u'}${size}`];
  const plain =
    length >= 4 &&
    view.getUint16(begin, true) === 0 &&
    view.getUint16(begin + 2, true) === 8 * size &&
    (bits & ~9) === 0;
  if (dtype === undefined || !plain) return { kind: 'other', size, name: `integer of ${size} bytes` };
  return { kind: 'number', dtype, size, bigEndian: (bits & 1) === 1 };
}

function floatType(image: FileImage, { begin, length }: Extent, size: number): ElementType {
  const { view } = image;
  const other = { kind: 'other', size, name: `float of ${size} bytes` } as const;
  if (length < 12 || view.getUint16(begin, true) !== 0 || view.getUint16(begin + 2, true) !== 8 * size) return other;
  const fields = [4, 5, 6, 7]
    .map(at => view.getUint8(begin + at))
    .concat(view.getUint32(begin + 8, true))
    .join();
  const dtype = FLOATS.find(([, bytes, known]) => bytes === size && known === fields)?.[0];
  // Byte order, padding 0, mantissa with an implied leading 1, and the sign in the highest bit.
  const bits = view.getUint8(begin - 7);
  const sign = view.getUint8(begin - 6);
  if (dtype === undefined || (bits & ~1) !== 0x20 || sign !== 8 * size - 1) return other;
  return { kind: 'number', dtype, size, bigEndian: (bits & 1) === 1 };
}

function compact(image: FileImage, { begin, length }: Extent): Extent {
  const size = image.view.getUint16(begin + 2, true);
  if (size > length - 4) throw image.error(`compact data at ${begin}`, `${length - 4} bytes at most`, `${size}`);
  return { begin: begin + 4, length: size };
}

function chunked(image: FileImage, { begin, length }: Extent): Layout {
  const { view } = image;
  const rank = view.getUint8(begin + 2) - 1;
  if (rank < 1 || rank > MAX_RANK || length < 15 + 4 * rank) {
    throw image.error(`data layout at ${begin}`, 'chunks of rank 1 to 32', `rank ${rank}, ${length} bytes`);
  }
  const sizes = Array.from({ length: rank + 1 }, (_, i) => view.getUint32(begin + 11 + 4 * i, true));
  const tree = image.u64(begin + 3);
  return { kind: 'chunked', chunk: sizes.slice(0, rank), tree, elementSize: sizes[rank] ?? 0 };
}
