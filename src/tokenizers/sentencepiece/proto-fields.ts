/**
 * Protocol buffer messages field by field, as much of the wire format as a `.model` file needs: with a whole protobuf
 * library, a page would weigh a fifth more. Malformed bytes are refused where protobuf's own parsers refuse them.
 * Specification: https://protobuf.dev/programming-guides/encoding/
 */
import type { Cursor } from '../../core/cursor.ts';

/** Wire types; a field's tag is `number << 3 | wire type`. */
export const varint = 0;
const fixed64 = 1;
export const delimited = 2;
const groupStart = 3;
const groupEnd = 4;
export const fixed32 = 5;

/** Groups within groups, as many as protobuf's parsers take. */
const deepest = 100;

/**
 * Gives each field of the message to `take`, which reads its value and answers true, or leaves it to be passed over.
 * @throws FormatError when the bytes are no message.
 */
export function readFields(message: Cursor, take: (tag: number) => boolean): void {
  while (message.remaining > 0) {
    const tag = readTag(message);
    if (!take(tag)) passOver(tag, message, 0);
  }
}

/** A varint's low 32 bits as a signed integer; negative ones are written with ten bytes. @throws FormatError. */
export function readInt32(message: Cursor): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = message.u8();
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw message.error({ expected: 'an integer of at most ten bytes', found: 'a longer one' });
}

/** Whether any bit of a varint is set. @throws FormatError. */
export function readBool(message: Cursor): boolean {
  let bits = 0;
  for (let count = 0; count < 10; count++) {
    const byte = message.u8();
    bits |= byte & 0x7f;
    if (byte < 0x80) return bits !== 0;
  }
  throw message.error({ expected: 'a boolean of at most ten bytes', found: 'a longer one' });
}

/** A value with its length before it, as a view. @throws FormatError. */
export function readBytes(message: Cursor): Uint8Array {
  return message.bytes(readInt32(message) >>> 0);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws FormatError; TypeError when the text is no UTF-8. */
export function readText(message: Cursor): string {
  return utf8.decode(readBytes(message));
}

function readTag(message: Cursor): number {
  const tag = readInt32(message) >>> 0;
  if (tag >>> 3 === 0) throw message.error({ expected: 'a field', found: 'field number 0' });
  return tag;
}

function passOver(tag: number, message: Cursor, depth: number): void {
  const type = tag & 7;
  if (type === varint) readBool(message);
  else if (type === fixed64) message.bytes(8);
  else if (type === delimited) readBytes(message);
  else if (type === groupStart) passOverGroup(tag >>> 3, message, depth + 1);
  else if (type === fixed32) message.bytes(4);
  else throw message.error({ expected: 'a wire type', found: `${type}` });
}

function passOverGroup(field: number, message: Cursor, depth: number): void {
  if (depth > deepest) throw message.error({ expected: `at most ${deepest} groups in each other`, found: 'more' });
  for (;;) {
    const tag = readTag(message);
    if ((tag & 7) !== groupEnd) passOver(tag, message, depth);
    else if (tag >>> 3 === field) return;
    else throw message.error({ expected: `the end of group ${field}`, found: `that of ${tag >>> 3}` });
  }
}
