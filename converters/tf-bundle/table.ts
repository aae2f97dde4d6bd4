/**
 * A LevelDB table, the container of a bundle's `.index` file: blocks of entries, a block that lists them, and a footer.
 * Read whole: names and places of all tensors are wanted at once, and a real one is under a megabyte.
 * https://github.com/google/leveldb/blob/068d5ee1a3ac40dabd00d211d5013af44be55bea/doc/table_format.md
 */
import type { ByteSource } from '../../src/core/byte-source.ts';
import { Cursor } from '../../src/core/cursor.ts';
import { FormatError } from '../../src/core/errors.ts';
import {
  BLOCK_TRAILER,
  type BlockHandle,
  blockEntries,
  readHandle,
  type TableBytes,
  type TableEntry,
} from './block.ts';

/** Two handles padded to 40 bytes, then the magic number. */
const FOOTER_BYTES = 48;

/** 0xdb4775248b80fb57, little-endian; the last bytes of every table. */
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/** Largest file that is read as a table. The index of a model of ten thousand tensors takes about a megabyte. */
const MAX_TABLE_BYTES = 16 * 2 ** 20;

/** Most bytes of keys once their shared prefixes are written out, for the same reason. */
const MAX_KEYS_BYTES = 16 * 2 ** 20;

/** Whether `source` ends as a table does; reads eight bytes. */
export async function isTable(source: ByteSource): Promise<boolean> {
  if (source.size < FOOTER_BYTES) return false;
  const end = await source.read(source.size - MAGIC.length, MAGIC.length);
  return MAGIC.every((byte, index) => end[index] === byte);
}

/**
 * All entries of the table in `source`, keys rising, every block's checksum checked.
 * @throws FormatError when it is not a table, or a damaged or hostile one.
 */
export async function readTable(source: ByteSource): Promise<readonly TableEntry[]> {
  const file = source.name;
  if (!(await isTable(source))) {
    throw new FormatError({
      file,
      what: 'end of the file',
      expected: 'the mark of a TensorFlow index (57fb808b247547db)',
    });
  }
  if (source.size > MAX_TABLE_BYTES) {
    throw new FormatError({
      file,
      what: 'size of the index',
      expected: `at most ${MAX_TABLE_BYTES} bytes`,
      found: `${source.size}`,
    });
  }
  const table = { file, bytes: await source.read(0, source.size) };
  return readEntries(table, readDataHandles(table));
}

/** Handles of the data blocks, which must follow each other and end before the block that lists them. */
function readDataHandles(table: TableBytes): readonly BlockHandle[] {
  const { file, bytes } = table;
  const footer = new Cursor(bytes.subarray(bytes.length - FOOTER_BYTES), { file, what: 'footer' });
  readHandle(footer); // of the metaindex block, which holds nothing in a bundle
  const index = readHandle(footer);
  let end = 0;
  const handles: BlockHandle[] = [];
  for (const { value } of blockEntries(table, index)) {
    const handle = readHandle(new Cursor(value, { file, what: 'handle of a data block' }));
    if (handle.offset < end || handle.offset + handle.size + BLOCK_TRAILER > index.offset) {
      throw new FormatError({
        file,
        what: 'handle of a data block',
        expected: `a place from byte ${end} to ${index.offset}`,
        found: `${handle.size} bytes at ${handle.offset}`,
      });
    }
    end = handle.offset + handle.size + BLOCK_TRAILER;
    handles.push(handle);
  }
  return handles;
}

function readEntries(table: TableBytes, handles: readonly BlockHandle[]): readonly TableEntry[] {
  const { file } = table;
  const entries: TableEntry[] = [];
  let keysBytes = 0;
  for (const handle of handles) {
    for (const entry of blockEntries(table, handle)) {
      const before = entries.at(-1)?.key;
      if (before !== undefined && before >= entry.key) {
        const found = before === entry.key ? 'the same key again' : `it after ${JSON.stringify(before)}`;
        throw new FormatError({
          file,
          what: `key ${JSON.stringify(entry.key)}`,
          expected: 'keys in rising order',
          found,
        });
      }
      keysBytes += entry.key.length;
      if (keysBytes > MAX_KEYS_BYTES) {
        throw new FormatError({
          file,
          what: 'keys',
          expected: `at most ${MAX_KEYS_BYTES} bytes of them`,
          found: 'more',
        });
      }
      entries.push(entry);
    }
  }
  return entries;
}
