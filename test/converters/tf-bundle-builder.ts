/**
 * Writes TensorFlow bundles in memory, right or wrong on purpose: the tests' counterpart of `converters/tf-bundle`.
 */
import protobuf from 'protobufjs/minimal.js';
import { crc32cOf, maskCrc32c } from '../../converters/crc32c.ts';

/** A key of one character per byte, and its value. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
}

export interface HeaderFields {
  readonly shards?: number;
  readonly endianness?: number;
  readonly producer?: number;
  readonly minConsumer?: number;
  readonly badConsumers?: readonly number[];
}

/** One axis of a slice: `[start, length]`, or null for all of it. */
export type Extent = readonly [start: number, length: number] | null;

export interface EntryFields {
  readonly dtype?: number;
  readonly shape?: readonly number[];
  readonly unknownRank?: boolean;
  readonly shard?: number;
  readonly offset?: number;
  readonly size?: number;
  readonly crc32c?: number;
  readonly slices?: readonly (readonly Extent[])[];
}

export function header(fields: HeaderFields = {}): Uint8Array {
  const { shards = 1, endianness = 0, producer = 1, minConsumer = 0, badConsumers = [] } = fields;
  const writer = protobuf.Writer.create().uint32(8).int32(shards);
  if (endianness !== 0) writer.uint32(16).int32(endianness);
  writer.uint32(26).fork().uint32(8).int32(producer);
  if (minConsumer !== 0) writer.uint32(16).int32(minConsumer);
  for (const version of badConsumers) writer.uint32(24).int32(version);
  return plain(writer.ldelim().finish());
}

export function entry(fields: EntryFields): Uint8Array {
  const writer = protobuf.Writer.create()
    .uint32(8)
    .int32(fields.dtype ?? 1);
  writer.uint32(18).fork();
  for (const size of fields.shape ?? []) writer.uint32(18).fork().uint32(8).int64(size).ldelim();
  if (fields.unknownRank) writer.uint32(24).bool(true);
  writer.ldelim();
  if (fields.shard) writer.uint32(24).int32(fields.shard);
  if (fields.offset) writer.uint32(32).int64(fields.offset);
  if (fields.size) writer.uint32(40).int64(fields.size);
  if (fields.crc32c) writer.uint32(53).fixed32(fields.crc32c);
  for (const slice of fields.slices ?? []) {
    writer.uint32(58).fork();
    for (const extent of slice) {
      writer.uint32(10).fork();
      if (extent !== null) writer.uint32(8).int64(extent[0]).uint32(16).int64(extent[1]);
      writer.ldelim();
    }
    writer.ldelim();
  }
  return plain(writer.finish());
}

export interface TableOptions {
  /** Entries of each data block. */
  readonly perBlock?: number;
  readonly restartInterval?: number;
  /** Replaces what is stored of a block: its type and bytes. */
  readonly store?: (content: Uint8Array) => { readonly type: number; readonly bytes: Uint8Array };
  /** Replaces the handles in the index block. */
  readonly handles?: (handles: readonly Handle[], index: number) => readonly Handle[];
}

export interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** A table of `entries`, in the order given. */
export function table(entries: readonly Entry[], options: TableOptions = {}): Uint8Array {
  const { perBlock = 8, restartInterval = 16, store = bytes => ({ type: 0, bytes }), handles = list => list } = options;
  const parts: Uint8Array[] = [];
  let end = 0;
  const add = (content: Uint8Array): Handle => {
    const { type, bytes } = store(content);
    const stored = concat([bytes, Uint8Array.of(type)]);
    parts.push(stored, u32(maskCrc32c(crc32cOf(stored))));
    const handle = { offset: end, size: bytes.length };
    end += stored.length + 4;
    return handle;
  };
  const chunks = Array.from({ length: Math.ceil(entries.length / perBlock) }, (_, i) =>
    entries.slice(i * perBlock, (i + 1) * perBlock),
  );
  const places = chunks.map(chunk => add(block(chunk, restartInterval)));
  const meta = add(block([], 1));
  const index = handles(places, end).map((handle, i) => ({
    key: chunks[i]?.at(-1)?.key ?? `~${i}`,
    value: concat([varint(handle.offset), varint(handle.size)]),
  }));
  const indexHandle = add(block(index, 1));
  return concat([...parts, footer(meta, indexHandle)]);
}

export function footer(meta: Handle, index: Handle): Uint8Array {
  const handles = concat([meta.offset, meta.size, index.offset, index.size].map(varint));
  const magic = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);
  return concat([handles, new Uint8Array(40 - handles.length), magic]);
}

/** The bytes of a block, without the trailer. */
export function block(entries: readonly Entry[], restartInterval: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const restarts: number[] = [];
  let end = 0;
  let before = '';
  entries.forEach(({ key, value }, i) => {
    const restart = i % restartInterval === 0;
    if (restart) restarts.push(end);
    let shared = 0;
    while (!restart && shared < key.length && key[shared] === before[shared]) shared++;
    const bytes = rawEntry(shared, key.slice(shared), value);
    parts.push(bytes);
    end += bytes.length;
    before = key;
  });
  return withRestarts(concat(parts), restarts.length > 0 ? restarts : [0]);
}

/** One entry as it lies in a block. */
export function rawEntry(shared: number, added: string, value: Uint8Array): Uint8Array {
  return concat([varint(shared), varint(added.length), varint(value.length), latin1(added), value]);
}

export function withRestarts(entries: Uint8Array, restarts: readonly number[]): Uint8Array {
  return concat([entries, ...restarts.map(u32), u32(restarts.length)]);
}

export interface Stored {
  /** Name, or for a part its whole key; one character per byte. */
  readonly key: string;
  readonly dtype?: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly shard?: number;
}

/** A bundle called `model` of tensors in one piece each, plus entries that are there already. */
export function bundle(
  tensors: readonly Stored[],
  more: readonly Entry[] = [],
  options: TableOptions = {},
): Map<string, Uint8Array> {
  const shards = Math.max(0, ...tensors.map(tensor => tensor.shard ?? 0)) + 1;
  const data: Uint8Array[][] = Array.from({ length: shards }, () => []);
  const entries = tensors.map(({ key, dtype = 1, shape, bytes, shard = 0 }) => {
    const offset = concat(data[shard] ?? []).length;
    data[shard]?.push(bytes);
    const crc32c = maskCrc32c(crc32cOf(bytes));
    return { key, value: entry({ dtype, shape, shard, offset, size: bytes.length, crc32c }) };
  });
  const sorted = [...entries, ...more].sort((a, b) => (a.key < b.key ? -1 : 1));
  const files = new Map([['model.index', table([{ key: '', value: header({ shards }) }, ...sorted], options)]]);
  data.forEach((parts, shard) => {
    files.set(`model.data-0000${shard}-of-0000${shards}`, concat(parts));
  });
  return files;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.from([0, 8, 16, 24], shift => (value >>> shift) & 0xff);
}

export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, char => char.charCodeAt(0));
}

/** protobufjs gives a Buffer in Node, which `deepEqual` tells from a Uint8Array. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
