/**
 * Bytes of one entry of a bundle in their shard: checked against the shard, read, and their checksum compared.
 */
import type { ByteSource } from '../../src/core/byte-source.ts';
import { bytesPerElement, type DType, elementCount } from '../../src/core/dtype.ts';
import { FormatError } from '../../src/core/errors.ts';
import { crc32cOf, hexCrc32c, maskCrc32c } from '../crc32c.ts';
import type { BundleEntry } from './bundle-proto.ts';
import { DTYPES, OTHER_TYPES } from './data-type.ts';
import { readStrings } from './string-tensor.ts';

/** A tensor, or a part of one, that lies in one piece. */
export interface StoredTensor {
  /** For errors: the variable's name, for a part with its place. */
  readonly name: string;
  /** Null for a type that no model reads. */
  readonly dtype: DType | null;
  readonly shape: readonly number[];
  readonly source: ByteSource;
  readonly offset: number;
  readonly size: number;
  /** Masked. */
  readonly crc32c: number;
}

/** The open shards of a bundle, and its index for errors. */
export interface Shards {
  readonly indexFile: string;
  readonly sources: ReadonlyMap<number, ByteSource>;
}

/** `entry` as a stored tensor. @throws FormatError when type, shape, size and shard do not fit each other. */
export function storedTensor(name: string, entry: BundleEntry, { indexFile, sources }: Shards): StoredTensor {
  const { shape, offset, size, crc32c } = entry;
  const source = sources.get(entry.shard);
  if (shape === null || source === undefined) {
    throw new FormatError({ file: indexFile, what: `tensor "${name}"`, found: 'neither shape nor shard' });
  }
  const dtype = dtypeOf(entry.dataType, name, indexFile);
  const expected = dtype === null || dtype === 'string' ? size : elementCount(shape) * bytesPerElement(dtype);
  if (size !== expected) {
    const needed = Number.isSafeInteger(expected) ? `${expected} bytes` : 'more than any file has';
    const what = `size of "${name}"`;
    throw new FormatError({ file: indexFile, what, expected: `${needed} for [${shape.join(', ')}]`, found: `${size}` });
  }
  if (dtype === 'string' && elementCount(shape) > size) {
    const what = `size of "${name}"`;
    throw new FormatError({
      file: indexFile,
      what,
      expected: `a byte at least for each of [${shape.join(', ')}]`,
      found: `${size}`,
    });
  }
  if (offset + size > source.size) {
    throw new FormatError({
      file: source.name,
      what: `bytes of "${name}"`,
      expected: `${size} at ${offset}`,
      found: `a file of ${source.size} bytes`,
      next: 'The file is truncated; fetch it again.',
    });
  }
  return { name, dtype, shape, source, offset, size, crc32c };
}

/** The type with TensorFlow's number `dataType`, null for one that no model reads. @throws FormatError for no type. */
function dtypeOf(dataType: number, name: string, file: string): DType | null {
  const dtype = DTYPES.get(dataType);
  if (dtype !== undefined) return dtype;
  if (OTHER_TYPES.has(dataType)) return null;
  throw new FormatError({
    file,
    what: `type of "${name}"`,
    expected: "one of TensorFlow's type numbers",
    found: `${dataType}`,
  });
}

/**
 * Refuses tensors that share bytes. No writer makes them, and without them all tensors together are no larger than
 * the files, which bounds what reading a hostile checkpoint can take.
 */
export function refuseOverlaps(tensors: readonly StoredTensor[]): void {
  const byShard = new Map<ByteSource, StoredTensor[]>();
  for (const tensor of tensors) {
    if (tensor.size === 0) continue;
    const inShard = byShard.get(tensor.source);
    if (inShard === undefined) byShard.set(tensor.source, [tensor]);
    else inShard.push(tensor);
  }
  for (const [source, inShard] of byShard) {
    inShard.sort((a, b) => a.offset - b.offset);
    inShard.forEach((tensor, index) => {
      const before = inShard[index - 1];
      if (before === undefined || before.offset + before.size <= tensor.offset) return;
      throw new FormatError({
        file: source.name,
        what: `bytes of "${tensor.name}"`,
        expected: `a place after "${before.name}", which ends at ${before.offset + before.size}`,
        found: `${tensor.offset}`,
      });
    });
  }
}

/** Reads the elements; of strings, their bytes one after the other. @throws FormatError when `verify` finds them damaged. */
export async function readStored(stored: StoredTensor, verify: boolean): Promise<Uint8Array> {
  const { source, name, crc32c } = stored;
  const bytes = await source.read(stored.offset, stored.size);
  if (stored.dtype === 'string') {
    const count = elementCount(stored.shape);
    return concatenate(readStrings({ file: source.name, name, bytes, count, ...(verify ? { crc32c } : {}) }));
  }
  if (verify && maskCrc32c(crc32cOf(bytes)) !== crc32c) {
    throw new FormatError({
      file: source.name,
      place: `byte ${stored.offset}`,
      what: `checksum of "${name}"`,
      expected: hexCrc32c(crc32c),
      found: hexCrc32c(maskCrc32c(crc32cOf(bytes))),
      next: 'The file is damaged; fetch it again.',
    });
  }
  return bytes;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
