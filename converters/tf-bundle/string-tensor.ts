/**
 * How a bundle stores strings: their lengths as varints, a checksum of the lengths, then their bytes. Checksums are not
 * over the varints but over each length as 32 bits (64 when it takes more).
 * https://github.com/tensorflow/tensorflow/blob/00f0938ae85c7dd68b44b4d80a873f42b1dca16a/tensorflow/core/util/tensor_bundle/tensor_bundle.cc
 */
import { Cursor } from '../../src/core/cursor.ts';
import { createCrc32c, maskCrc32c } from '../crc32c.ts';

/** A stored tensor of strings. */
export interface StoredStrings {
  /** The file, for errors. */
  readonly file: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Number of elements. */
  readonly count: number;
  /** The masked CRC32C of the tensor; not given: no checksum is looked at. */
  readonly crc32c?: number;
}

/** The elements of a tensor of strings. @throws FormatError when the bytes are damaged. */
export function readStrings(stored: StoredStrings): readonly Uint8Array[] {
  const cursor = new Cursor(stored.bytes, { file: stored.file, what: `strings of "${stored.name}"` });
  if (stored.bytes.length === 0 && stored.count === 0) return [];
  const crc = createCrc32c();
  const lengths: number[] = [];
  for (let i = 0; i < stored.count; i++) {
    const length = cursor.varint();
    lengths.push(length);
    crc.update(lengthBytes(length));
  }
  const lengthsCrc = maskCrc32c(crc.digest());
  const checksum = cursor.bytes(4);
  if (
    stored.crc32c !== undefined &&
    new DataView(checksum.buffer, checksum.byteOffset).getUint32(0, true) !== lengthsCrc
  ) {
    throw cursor.error({ what: `checksum of the lengths of "${stored.name}"`, found: 'another' });
  }
  crc.update(checksum);
  const strings = lengths.map(length => cursor.bytes(length));
  for (const string of strings) crc.update(string);
  if (cursor.remaining > 0) throw cursor.error({ expected: 'the end', found: `${cursor.remaining} more bytes` });
  if (stored.crc32c !== undefined && maskCrc32c(crc.digest()) !== stored.crc32c) {
    throw cursor.error({ what: `checksum of "${stored.name}"`, found: 'another' });
  }
  return strings;
}

function lengthBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length < 2 ** 32 ? 4 : 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length % 2 ** 32, true);
  if (bytes.length === 8) view.setUint32(4, Math.floor(length / 2 ** 32), true);
  return bytes;
}
