/**
 * What the index of a bundle says, checked as far as it can be without the shards: the header, and an entry per key.
 */
import type { ByteSource } from '../../src/core/byte-source.ts';
import { FormatError } from '../../src/core/errors.ts';
import { type BundleEntry, type BundleHeader, readBundleEntry, readBundleHeader } from './bundle-proto.ts';
import { readTable } from './table.ts';

/** Version of the format that this reader knows; TensorFlow has had no other. */
const VERSION = 1;

/** An index, read. */
export interface BundleIndex {
  /** The file, for errors. */
  readonly file: string;
  readonly header: BundleHeader;
  /** By key; a key is a string of one character per byte. */
  readonly entries: ReadonlyMap<string, BundleEntry>;
}

/** Reads and checks the index in `source`. @throws FormatError when it is none, damaged, or of a kind we don't read. */
export async function readIndex(source: ByteSource): Promise<BundleIndex> {
  const file = source.name;
  const [first, ...rest] = await readTable(source);
  if (first === undefined || first.key !== '') {
    throw new FormatError({
      file,
      what: 'header of the bundle',
      expected: 'the entry with an empty key',
      found: 'none',
    });
  }
  const header = readBundleHeader(first.value, {
    file,
    what: 'header of the bundle',
    next: 'A checkpoint in the format before TensorFlow 1.0 ("V1", a single file) has to be saved again.',
  });
  checkHeader(file, header);
  const entries = new Map<string, BundleEntry>();
  for (const { key, value } of rest) {
    const entry = readBundleEntry(value, { file, what: `entry of ${JSON.stringify(key)}` });
    checkEntry(entry, { file, key, shards: header.shards });
    entries.set(key, entry);
  }
  return { file, header, entries };
}

function checkHeader(file: string, header: BundleHeader): void {
  if (header.bigEndian) {
    throw new FormatError({
      file,
      what: 'byte order of the checkpoint',
      expected: 'little-endian',
      found: 'big-endian',
      next: 'Save it again on a little-endian machine.',
    });
  }
  if (header.minConsumer > VERSION || header.badConsumers.includes(VERSION)) {
    const found =
      header.minConsumer > VERSION ? `one that needs version ${header.minConsumer}` : `one that excludes it`;
    throw new FormatError({
      file,
      what: 'version of the checkpoint',
      expected: `one that version ${VERSION} may read`,
      found,
    });
  }
  if (header.shards < 1) {
    throw new FormatError({ file, what: 'number of shards', expected: 'at least 1', found: `${header.shards}` });
  }
}

function checkEntry(entry: BundleEntry, at: { file: string; key: string; shards: number }): void {
  const what = `entry of ${JSON.stringify(at.key)}`;
  if (entry.shape === null || entry.shape.some(size => size < 0)) {
    const found = entry.shape === null ? 'an unknown rank' : `[${entry.shape.join(', ')}]`;
    throw new FormatError({ file: at.file, what: `shape in the ${what}`, expected: 'sizes of at least 0', found });
  }
  if (entry.slices.length > 0) return;
  if (entry.shard < 0 || entry.shard >= at.shards) {
    throw new FormatError({
      file: at.file,
      what: `shard in the ${what}`,
      expected: `0 to ${at.shards - 1}`,
      found: `${entry.shard}`,
    });
  }
  if (entry.offset < 0 || entry.size < 0) {
    const found = `${entry.size} bytes at ${entry.offset}`;
    throw new FormatError({ file: at.file, what: `place in the ${what}`, expected: 'numbers of at least 0', found });
  }
}
