/**
 * Snappy, raw blocks: a table may be compressed with it, though TensorFlow never writes one so.
 * https://github.com/google/snappy/blob/32ded457c0b1fe78ceb8397632c416568d6714a0/format_description.txt
 */
import type { Cursor } from '../../src/core/cursor.ts';

/** Uncompresses what is left of `cursor` to at most `limit` bytes. @throws FormatError when damaged or larger. */
export function unsnappy(cursor: Cursor, limit: number): Uint8Array {
  const size = cursor.varint();
  if (size > limit)
    throw cursor.error({ what: 'uncompressed block', expected: `at most ${limit} bytes`, found: `${size}` });
  const out = new Uint8Array(size);
  let length = 0;
  while (cursor.remaining > 0) {
    const tag = cursor.u8();
    const element = (tag & 3) === 0 ? { literal: cursor.bytes(literalLength(tag, cursor)) } : copyElement(tag, cursor);
    const room = out.length - length;
    if ('literal' in element) {
      if (element.literal.length > room)
        throw cursor.error({ what: 'compressed block', expected: `${size} bytes of output`, found: 'more' });
      out.set(element.literal, length);
      length += element.literal.length;
      continue;
    }
    if (element.length > room || element.distance === 0 || element.distance > length) {
      throw cursor.error({
        what: 'copy in a compressed block',
        found: `${element.length} bytes from ${element.distance} back at ${length}`,
      });
    }
    // Byte by byte: a copy may reach into what it is writing.
    for (const end = length + element.length; length < end; length++) out[length] = out[length - element.distance] ?? 0;
  }
  if (length !== size)
    throw cursor.error({ what: 'compressed block', expected: `${size} bytes of output`, found: `${length}` });
  return out;
}

function literalLength(tag: number, cursor: Cursor): number {
  const field = tag >> 2;
  return field < 60 ? field + 1 : littleEndian(cursor.bytes(field - 59)) + 1;
}

function copyElement(tag: number, cursor: Cursor): { readonly length: number; readonly distance: number } {
  if ((tag & 3) === 1) return { length: ((tag >> 2) & 7) + 4, distance: (tag >> 5) * 256 + cursor.u8() };
  return { length: (tag >> 2) + 1, distance: (tag & 3) === 2 ? cursor.u16() : cursor.u32() };
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
