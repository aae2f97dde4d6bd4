/**
 * The one place where a 64-bit integer becomes a JavaScript number: sizes and offsets above 2^53 - 1 are never real.
 */
import type { Cursor } from './cursor.ts';
import { type ErrorDetails, FormatError } from './errors.ts';

/** Numbers that fit, in errors. */
const SAFE = 'an integer within ±(2^53 - 1)';

/** `value` as a number. @throws FormatError with `details` when it does not fit. */
export function safeNumber(value: bigint, details: ErrorDetails): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new FormatError({ expected: SAFE, found: `${value}`, ...details });
  }
  return Number(value);
}

/** Reads an unsigned 64-bit integer. @throws FormatError above 2^53 - 1, and at the end of the bytes. */
export function readU64(cursor: Cursor): number {
  const start = cursor.position;
  const { buffer, byteOffset } = cursor.bytes(8);
  const value = new DataView(buffer, byteOffset).getBigUint64(0, true);
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  cursor.seek(start);
  throw cursor.error({ expected: SAFE, found: `${value}` });
}
