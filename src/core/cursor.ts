/**
 * A bounds-checked reader over bytes in memory, little-endian as every format here is. Readers of formats distrust bytes at
 * this edge, so that past it there is plain data.
 */
import { type ErrorDetails, FormatError } from './errors.ts';

/** Where the bytes of a {@link Cursor} come from, for its errors. */
export interface CursorOrigin {
  /** The file, as the user knows it. */
  readonly file: string;
  /** What is being read: `block at byte 120`. */
  readonly what: string;
}

/**
 * Reads one value after the other. Every read past the end throws a FormatError that names the file, what was being
 * read and the byte; no read ever returns less than was asked for.
 */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #origin: CursorOrigin;
  #position = 0;

  constructor(bytes: Uint8Array, origin: CursorOrigin) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#origin = origin;
  }

  /** Offset of the next byte, from the start of the bytes. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  /** Moves to `position`, which may be the end. @throws FormatError when it is outside the bytes. */
  seek(position: number): void {
    if (!Number.isInteger(position) || position < 0 || position > this.#bytes.length) {
      throw this.error({ expected: `a position of at most ${this.#bytes.length}`, found: `${position}` });
    }
    this.#position = position;
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** An unsigned LEB128 integer of at most 10 bytes. @throws FormatError when longer, or above 2^53 - 1. */
  varint(): number {
    const start = this.#position;
    let value = 0;
    for (let place = 1; place < 2 ** 70; place *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * place;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw new FormatError({ ...this.#details(start), expected: 'an integer below 2^53', found: 'a larger one' });
  }

  /** An error at the current place; `details` replaces any of its parts. */
  error(details: Partial<ErrorDetails>): FormatError {
    return new FormatError({ ...this.#details(this.#position), ...details });
  }

  #take(length: number): number {
    const start = this.#position;
    if (!Number.isInteger(length) || length < 0 || length > this.remaining) {
      throw this.error({ expected: `${length} more bytes`, found: `${this.remaining}` });
    }
    this.#position = start + length;
    return start;
  }

  #details(position: number): ErrorDetails {
    return { file: this.#origin.file, place: `byte ${position} of the ${this.#origin.what}`, what: this.#origin.what };
  }
}
