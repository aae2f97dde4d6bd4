/**
 * Protocol buffer messages, read with protobufjs' wire reader and a switch over the fields. Not through its reflection: that
 * generates code with `Function()`, which a page with a content security policy forbids.
 */
import protobuf from 'protobufjs/minimal.js';
import { type ErrorDetails, FormatError, messageOf } from '../../src/core/errors.ts';

/** Reads the value of a field. */
export type Reader = protobuf.Reader;

/** What to do with fields, by {@link tag}. */
export type Fields = Readonly<Record<number, (reader: Reader) => void>>;

/** Wire types. */
export const VARINT = 0;
export const BYTES = 2;
export const FIXED32 = 5;

/** The key of a field in the bytes of a message. */
export function tag(field: number, wireType: number): number {
  return field * 8 + wireType;
}

/**
 * Calls the reader of each known field; a field unknown to us, or of another wire type, is passed over as protobuf says.
 * @throws FormatError with `details` when the bytes are no message.
 */
export function parse(bytes: Uint8Array, details: ErrorDetails, fields: Fields): void {
  const reader = new protobuf.Reader(bytes);
  try {
    while (reader.pos < reader.len) {
      const key = reader.uint32();
      const read = fields[key];
      if (read === undefined) reader.skipType(key & 7, 0, key >>> 3);
      else read(reader);
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(
      { found: `bytes that are no such message (${messageOf(error)})`, ...details },
      { cause: error },
    );
  }
}
