/**
 * The two messages in a bundle's index.
 * https://github.com/tensorflow/tensorflow/blob/1ae86a2aeb0b1e84dcbd557d8ed79322e99e4f91/tensorflow/core/protobuf/tensor_bundle.proto
 */

import type { ErrorDetails } from '../../src/core/errors.ts';
import { safeNumber } from '../../src/core/int64.ts';
import { BYTES, FIXED32, parse, type Reader, tag, VARINT } from './wire-fields.ts';

/** `BundleHeaderProto`, with `VersionDef` flattened into it. */
export interface BundleHeader {
  readonly shards: number;
  readonly bigEndian: boolean;
  /** Version of the writer. */
  readonly producer: number;
  /** Oldest version that may read. */
  readonly minConsumer: number;
  /** Versions that must not read. */
  readonly badConsumers: readonly number[];
}

/** One axis of `TensorSliceProto`; without `length` the whole axis. */
export interface SliceExtent {
  readonly start: number;
  readonly length?: number;
}

/** `BundleEntryProto`. */
export interface BundleEntry {
  /** A number of `types.proto`. */
  readonly dataType: number;
  /** Null where the file says that the rank is unknown. */
  readonly shape: readonly number[] | null;
  readonly shard: number;
  readonly offset: number;
  readonly size: number;
  /** Masked. */
  readonly crc32c: number;
  /** Of a partitioned variable: which parts it was saved in. Then shard, offset, size and crc32c mean nothing. */
  readonly slices: readonly (readonly SliceExtent[])[];
}

/** Reads the header of a bundle. @throws FormatError with `details` when the bytes are no such message. */
export function readBundleHeader(bytes: Uint8Array, details: ErrorDetails): BundleHeader {
  let header: BundleHeader = { shards: 0, bigEndian: false, producer: 0, minConsumer: 0, badConsumers: [] };
  parse(bytes, details, {
    [tag(1, VARINT)]: reader => (header = { ...header, shards: reader.int32() }),
    [tag(2, VARINT)]: reader => (header = { ...header, bigEndian: reader.int32() !== 0 }),
    [tag(3, BYTES)]: reader => (header = { ...header, ...readVersions(reader.bytes(), details) }),
  });
  return header;
}

/** Reads what the index says of one tensor. @throws FormatError with `details` when the bytes are no such message. */
export function readBundleEntry(bytes: Uint8Array, details: ErrorDetails): BundleEntry {
  const entry = { dataType: 0, shape: [] as readonly number[] | null, shard: 0, offset: 0, size: 0, crc32c: 0 };
  const slices: (readonly SliceExtent[])[] = [];
  parse(bytes, details, {
    [tag(1, VARINT)]: reader => (entry.dataType = reader.int32()),
    [tag(2, BYTES)]: reader => (entry.shape = readShape(reader.bytes(), details)),
    [tag(3, VARINT)]: reader => (entry.shard = reader.int32()),
    [tag(4, VARINT)]: reader => (entry.offset = readInt64(reader, details)),
    [tag(5, VARINT)]: reader => (entry.size = readInt64(reader, details)),
    [tag(6, FIXED32)]: reader => (entry.crc32c = reader.fixed32()),
    [tag(7, BYTES)]: reader => slices.push(readSlice(reader.bytes(), details)),
  });
  return { ...entry, slices };
}

function readVersions(bytes: Uint8Array, details: ErrorDetails) {
  const versions = { producer: 0, minConsumer: 0 };
  const badConsumers: number[] = [];
  parse(bytes, details, {
    [tag(1, VARINT)]: reader => (versions.producer = reader.int32()),
    [tag(2, VARINT)]: reader => (versions.minConsumer = reader.int32()),
    [tag(3, VARINT)]: reader => badConsumers.push(reader.int32()),
    [tag(3, BYTES)]: reader => {
      for (const end = reader.uint32() + reader.pos; reader.pos < end; ) badConsumers.push(reader.int32());
    },
  });
  return { ...versions, badConsumers };
}

/** `TensorShapeProto`: dimensions' sizes, or null for an unknown rank. */
function readShape(bytes: Uint8Array, details: ErrorDetails): readonly number[] | null {
  const shape: number[] = [];
  let known = true;
  parse(bytes, details, {
    [tag(2, BYTES)]: reader => {
      let size = 0;
      parse(reader.bytes(), details, { [tag(1, VARINT)]: dim => (size = readInt64(dim, details)) });
      shape.push(size);
    },
    [tag(3, VARINT)]: reader => (known = !reader.bool()),
  });
  return known ? shape : null;
}

/** `TensorSliceProto`. */
function readSlice(bytes: Uint8Array, details: ErrorDetails): readonly SliceExtent[] {
  const extents: SliceExtent[] = [];
  parse(bytes, details, {
    [tag(1, BYTES)]: reader => {
      let extent: SliceExtent = { start: 0 };
      parse(reader.bytes(), details, {
        [tag(1, VARINT)]: field => (extent = { ...extent, start: readInt64(field, details) }),
        [tag(2, VARINT)]: field => (extent = { ...extent, length: readInt64(field, details) }),
      });
      extents.push(extent);
    },
  });
  return extents;
}

function readInt64(reader: Reader, details: ErrorDetails): number {
  return safeNumber(BigInt(reader.int64().toString()), details);
}
