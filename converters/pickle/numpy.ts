/**
 * NumPy's own part of a pickle: element types, arrays and scalars. An array comes as an empty one,
 * `_reconstruct(ndarray, (0,), 'b')`, that is then given the state (1, shape, dtype, fortran order, bytes).
 *
 * Reference: https://github.com/numpy/numpy/blob/v1.16.6/numpy/core/src/multiarray/methods.c (array_setstate) and
 * descriptor.c (arraydescr_setstate).
 */
import { bytesPerElement, type DType, elementCount } from '../../src/core/dtype.ts';
import type { ArrayShell, DtypeObject, Item, Machine } from './machine.ts';
import { describe, type NdArray } from './pickle-value.ts';
import { integerFromBytes, latin1 } from './text-literals.ts';

const DTYPES: Readonly<Record<string, DType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};

const MAX_RANK = 32;

/** `numpy.dtype('f4', …)`. */
export function makeDtype(machine: Machine, args: readonly Item[]): DtypeObject {
  const code = asciiOf(args[0]);
  const [, order, type] = /^([<>=|]?)([a-z]\d)$/.exec(code ?? '') ?? [];
  if (type === undefined || !Object.hasOwn(DTYPES, type)) {
    throw machine.error({
      what: 'NumPy dtype',
      expected: Object.keys(DTYPES).join(', '),
      found: code ?? describe(args[0]),
    });
  }
  return { kind: 'numpy.dtype', code: type, bigEndian: order === '>' };
}

/** State of a dtype: (version, byte order, …); the rest describes structured types, which `makeDtype` refuses. */
export function setDtypeState(machine: Machine, dtype: DtypeObject, state: Item): void {
  const order = isTuple(state) ? asciiOf(state[1]) : undefined;
  if (order === undefined || !/^[<>=|]$/.test(order)) {
    throw machine.error({ what: 'state of a NumPy dtype', expected: 'a byte order', found: describe(state) });
  }
  dtype.bigEndian = order === '>';
}

/** `_reconstruct(ndarray, (0,), 'b')`: an array that waits for its state. */
export function makeArray(machine: Machine, args: readonly Item[]): ArrayShell {
  const [type] = args;
  if (!isKind(type, 'global') || type.name !== 'numpy.ndarray') {
    throw machine.error({ what: 'NumPy array', expected: 'numpy.ndarray', found: describe(type) });
  }
  const empty: ArrayShell = { kind: 'ndarray', dtype: 'int8', shape: [0], fortranOrder: false, data: new Uint8Array() };
  return machine.awaitState(empty);
}

/** State of an array: (version, shape, dtype, fortran order, bytes), without the version in the oldest files. */
export function setArrayState(machine: Machine, shell: ArrayShell, state: Item): void {
  const parts = isTuple(state) ? state.slice(-4) : [];
  const [shape, dtype, fortran, bytes] = parts;
  Object.assign(shell, arrayOf(machine, { shape, dtype, fortran: fortran === true || fortran === 1, bytes }));
}

/** `_frombuffer(bytes, dtype, shape, 'C')`: how protocol 5 writes arrays. */
export function arrayFromBuffer(machine: Machine, args: readonly Item[]): NdArray {
  const [bytes, dtype, shape, order] = args;
  return arrayOf(machine, { shape, dtype, fortran: asciiOf(order) === 'F', bytes });
}

/** `scalar(dtype, bytes)`. */
export function scalarOf(machine: Machine, args: readonly Item[]): number | bigint | boolean {
  const [dtype, bytes] = args;
  const { dtype: type, data } = arrayOf(machine, { shape: [], dtype, fortran: false, bytes });
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (type === 'bool') return view.getUint8(0) !== 0;
  if (type === 'float32') return view.getFloat32(0, true);
  if (type === 'float64') return view.getFloat64(0, true);
  if (type === 'float16') throw machine.error({ what: 'NumPy scalar', expected: 'float32 or float64', found: type });
  // A zero byte above an unsigned one keeps it positive.
  return integerFromBytes(type.startsWith('u') ? Uint8Array.of(...data, 0) : data);
}

interface ArrayParts {
  readonly shape: Item | undefined;
  readonly dtype: Item | undefined;
  readonly fortran: boolean;
  readonly bytes: Item | undefined;
}

function arrayOf(machine: Machine, { shape, dtype, fortran, bytes }: ArrayParts): NdArray {
  const type = isKind(dtype, 'numpy.dtype') ? DTYPES[dtype.code] : undefined;
  if (!isKind(dtype, 'numpy.dtype') || type === undefined || !(bytes instanceof Uint8Array) || !isShape(shape)) {
    throw machine.error({
      what: 'NumPy array',
      expected: 'a shape, a dtype and bytes',
      found: [shape, dtype, bytes].map(describe).join(', '),
    });
  }
  const length = elementCount(shape) * bytesPerElement(type);
  if (bytes.length !== length) {
    throw machine.error({
      what: `NumPy array [${shape.join(', ')}]`,
      expected: `${length} bytes`,
      found: `${bytes.length}`,
    });
  }
  if (dtype.bigEndian) machine.countCopy(length);
  const data = dtype.bigEndian ? swapped(bytes, bytesPerElement(type)) : bytes;
  return { kind: 'ndarray', dtype: type, shape, fortranOrder: fortran, data };
}

function isShape(shape: Item | undefined): shape is readonly number[] {
  return (
    Array.isArray(shape) && shape.length <= MAX_RANK && shape.every(size => Number.isSafeInteger(size) && size >= 0)
  );
}

function isTuple(item: Item): item is readonly Item[] & Extract<Item, readonly unknown[]> {
  return Array.isArray(item);
}

function isKind<K extends 'global' | 'numpy.dtype'>(
  item: Item | undefined,
  kind: K,
): item is Extract<Item, { kind: K }> {
  return typeof item === 'object' && item !== null && 'kind' in item && item.kind === kind;
}

/** Short ASCII text of a `str`, `bytes` or `unicode`; all kinds occur, depending on the Python that wrote the file. */
export function asciiOf(item: Item | undefined): string | undefined {
  if (typeof item === 'string') return item;
  return item instanceof Uint8Array && item.length <= 16 ? latin1(item) : undefined;
}

function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const data = bytes.slice();
  for (let at = 0; at < data.length; at += size) data.subarray(at, at + size).reverse();
  return data;
}
