/**
 * One block of a LevelDB table: sorted keys, each stored as what it adds to the one before, and the checksum behind it.
 * https://github.com/google/leveldb/blob/068d5ee1a3ac40dabd00d211d5013af44be55bea/doc/table_format.md
 */
import { Cursor } from '../../src/core/cursor.ts';
import { FormatError } from '../../src/core/errors.ts';
import { crc32cOf, hexCrc32c, maskCrc32c } from '../crc32c.ts';
import { unsnappy } from './snappy.ts';

/** Bytes behind each block: one for the compression, four for the masked CRC32C of block and that byte. */
export const BLOCK_TRAILER = 5;

/** Largest block once uncompressed. TensorFlow starts a new one at 256 KiB; one entry may go over, but not by this. */
const MAX_BLOCK_BYTES = 16 * 2 ** 20;

/** Longest key. A name is a path of a few words; without a limit, prefixes shared by many keys multiply a small file. */
const MAX_KEY_BYTES = 4096;

const UNCOMPRESSED = 0;
const SNAPPY = 1;

/** Where a block lies in its file; `size` is without the trailer. */
export interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

/** A key and its value. A key is bytes, held as a string of one character per byte so that it can index a map. */
export interface TableEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** A table's file, in memory. */
export interface TableBytes {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * The entries of the block at `handle`, one by one, its checksum checked first. The order of keys is the caller's to check.
 * @throws FormatError when the block is not inside the file, is damaged, or does not follow the format.
 */
export function* blockEntries(table: TableBytes, handle: BlockHandle): Generator<TableEntry, void> {
  const cursor = openBlock(table, handle);
  const restarts = readRestarts(cursor);
  const end = cursor.position - 4 * (restarts.length + 1);
  cursor.seek(0);
  let key = new Uint8Array(0);
  let passed = 0;
  while (cursor.position < end) {
    const restarting = cursor.position === restarts[passed];
    if (restarting) passed++;
    const { shared, added, valueLength } = readLengths(cursor, { end, keyLength: restarting ? 0 : key.length });
    const next = new Uint8Array(shared + added);
    next.set(key.subarray(0, shared));
    next.set(cursor.bytes(added), shared);
    key = next;
    yield { key: String.fromCharCode(...key), value: cursor.bytes(valueLength) };
  }
  // A block without entries has one restart all the same, at its beginning.
  if (passed < restarts.length && !(end === 0 && restarts.length === 1 && restarts[0] === 0)) {
    throw cursor.error({
      what: 'restart of keys',
      expected: 'the start of an entry',
      found: `byte ${restarts[passed]}`,
    });
  }
}

/** Reads a block handle: two varints. */
export function readHandle(cursor: Cursor): BlockHandle {
  return { offset: cursor.varint(), size: cursor.varint() };
}

function openBlock(table: TableBytes, handle: BlockHandle): Cursor {
  const { file, bytes } = table;
  const what = `block at byte ${handle.offset}`;
  if (handle.offset + handle.size + BLOCK_TRAILER > bytes.length || handle.size > MAX_BLOCK_BYTES) {
    throw new FormatError({
      file,
      what,
      expected: `at most ${MAX_BLOCK_BYTES} bytes, inside the file's ${bytes.length}`,
      found: `${handle.size} bytes`,
    });
  }
  const end = handle.offset + handle.size;
  const trailer = new Cursor(bytes.subarray(end, end + BLOCK_TRAILER), { file, what: `trailer of the ${what}` });
  const type = trailer.u8();
  const stored = trailer.u32();
  const actual = maskCrc32c(crc32cOf(bytes.subarray(handle.offset, end + 1)));
  if (stored !== actual) {
    throw new FormatError({
      file,
      what: `checksum of the ${what}`,
      expected: hexCrc32c(stored),
      found: hexCrc32c(actual),
      next: 'The file is damaged; fetch it again.',
    });
  }
  const cursor = new Cursor(bytes.subarray(handle.offset, end), { file, what });
  if (type === UNCOMPRESSED) return cursor;
  if (type === SNAPPY) return new Cursor(unsnappy(cursor, MAX_BLOCK_BYTES), { file, what: `uncompressed ${what}` });
  throw cursor.error({ what: 'compression of a block', expected: '0 (none) or 1 (Snappy)', found: `${type}` });
}

/** Reads the array of restarts at the block's end and leaves the cursor at the end of the block. */
function readRestarts(cursor: Cursor): readonly number[] {
  const length = cursor.remaining;
  if (length < 4) throw cursor.error({ what: 'block', expected: 'at least 4 bytes', found: `${length}` });
  cursor.seek(length - 4);
  const count = cursor.u32();
  if (count === 0 || 4 * (count + 1) > length) {
    throw cursor.error({ what: 'number of restarts', expected: `1 to ${length / 4 - 1}`, found: `${count}` });
  }
  cursor.seek(length - 4 * (count + 1));
  const restarts = Array.from({ length: count }, () => cursor.u32());
  cursor.seek(length);
  return restarts;
}

interface EntryBounds {
  /** Where the entries end. */
  readonly end: number;
  /** Bytes of the previous key that may be shared. */
  readonly keyLength: number;
}

function readLengths(cursor: Cursor, { end, keyLength }: EntryBounds) {
  const shared = cursor.varint();
  const added = cursor.varint();
  const valueLength = cursor.varint();
  if (shared > keyLength) {
    throw cursor.error({ what: 'key', expected: `at most ${keyLength} bytes shared`, found: `${shared}` });
  }
  if (shared + added > MAX_KEY_BYTES) {
    throw cursor.error({ what: 'key', expected: `at most ${MAX_KEY_BYTES} bytes`, found: `${shared + added}` });
  }
  if (added + valueLength > end - cursor.position) {
    const found = `${Math.max(0, end - cursor.position)}`;
    throw cursor.error({ what: 'entry', expected: `${added + valueLength} bytes of key and value`, found });
  }
  return { shared, added, valueLength };
}
