/**
 * What a pickle can hold once read: plain data. Nothing here has behaviour, and nothing in a pickle can give it any.
 */
import type { DType } from '../../src/core/dtype.ts';
import { FormatError } from '../../src/core/errors.ts';

/** A NumPy array. */
export interface NdArray {
  readonly kind: 'ndarray';
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Elements in column-major order instead of row-major. */
  readonly fortranOrder: boolean;
  /** Elements, little-endian. */
  readonly data: Uint8Array;
}

/** Keys of dicts and members of sets. Byte strings used as such are decoded as UTF-8. */
export type PickleKey = string | number | bigint | boolean | null;

/**
 * A value. Integers beyond ±(2^53 - 1) are bigints; `str` of Python 2 and `bytes` of Python 3 are byte arrays; tuples
 * are frozen arrays; `defaultdict` and `OrderedDict` are maps. An object that the pickle refers to twice is one object
 * here too, and, as in Python, a list may contain itself.
 */
export type PickleValue =
  | PickleKey
  | Uint8Array
  | NdArray
  | readonly PickleValue[]
  | ReadonlyMap<PickleKey, PickleValue>
  | ReadonlySet<PickleKey>;

/** The text in a value: a `unicode`, or a byte string in UTF-8. @throws FormatError with `what` for anything else. */
export function textOf(value: PickleValue | undefined, file: string, what: string): string {
  if (typeof value === 'string') return value;
  const text = value instanceof Uint8Array ? decodeUtf8(value) : undefined;
  if (text === undefined) throw new FormatError({ file, what, expected: 'text', found: describe(value) });
  return text;
}

/** `bytes` as UTF-8, or undefined when they are not. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

/** The kind of a value, for errors. */
export function describe(value: unknown): string {
  if (value === null) return 'None';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Map) return `a dict of ${value.size}`;
  if (value instanceof Set) return `a set of ${value.size}`;
  if (Array.isArray(value)) return `a ${Object.isFrozen(value) ? 'tuple' : 'list'} of ${value.length}`;
  if (typeof value === 'object' && 'kind' in value) return `${value.kind}`;
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}
