/**
 * The tensors of a bundle by name: those that lie in one piece, and partitioned variables with their parts.
 */
import { bytesPerElement, type DType, elementCount } from '../../src/core/dtype.ts';
import { FormatError } from '../../src/core/errors.ts';
import type { CheckpointTensor } from '../checkpoint.ts';
import type { BundleIndex } from './bundle.ts';
import type { BundleEntry, SliceExtent } from './bundle-proto.ts';
import { type Box, placeBox, tilesExactly } from './partition.ts';
import { SLICE_KEY_START, sliceKey } from './slice-key.ts';
import { readStored, refuseOverlaps, type Shards, type StoredTensor, storedTensor } from './stored-tensor.ts';

/** Most axes of a partitioned variable; kernels of two-dimensional convolutions have four. */
const MAX_PARTITIONED_RANK = 4;

/** All tensors of a bundle. */
export interface BundleTensors {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** What can't be given as a tensor, by name, with why: types that no model reads, parts that belong to no variable. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** A part of a partitioned variable: its place in the whole, its key, and its bytes. */
interface Part {
  readonly box: Box;
  readonly key: string;
  readonly stored: StoredTensor;
}

/**
 * Every tensor that `index` names, checked against the shards; no data is read.
 * @throws FormatError when an entry does not fit its shard, tensors share bytes, or parts do not make up their variable.
 */
export function bundleTensors(index: BundleIndex, shards: Shards, verifyData: boolean): BundleTensors {
  const tensors = new Map<string, CheckpointTensor>();
  const unreadable = new Map<string, string>();
  const pieces: StoredTensor[] = [];
  const usedKeys = new Set<string>();
  for (const [key, entry] of index.entries) {
    if (key.startsWith(SLICE_KEY_START)) continue;
    const name = nameOf(key, index.file);
    const parts = partsOf({ key, name, entry }, index, shards);
    for (const part of parts) usedKeys.add(part.key);
    const stored = parts[0]?.stored ?? storedTensor(name, entry, shards);
    pieces.push(...(parts.length > 0 ? parts.map(part => part.stored) : [stored]));
    const { dtype } = stored;
    if (dtype === null) unreadable.set(name, 'of a type that no model reads');
    else if (parts.length === 0) tensors.set(name, wholeTensor(stored, dtype, verifyData));
    else if (dtype === 'string') unreadable.set(name, 'strings in several parts');
    else tensors.set(name, joinedTensor({ name, dtype, shape: entry.shape ?? [] }, parts, verifyData));
  }
  for (const [key, entry] of index.entries) {
    if (!key.startsWith(SLICE_KEY_START) || usedKeys.has(key)) continue;
    pieces.push(storedTensor(JSON.stringify(key), entry, shards));
    unreadable.set(JSON.stringify(key), 'part that no variable refers to');
  }
  refuseOverlaps(pieces);
  return { tensors, unreadable };
}

function wholeTensor(stored: StoredTensor, dtype: DType, verify: boolean): CheckpointTensor {
  const { name, shape, source, offset, size, crc32c } = stored;
  const read = () => readStored(stored, verify);
  if (dtype === 'string') return { name, dtype, shape, read };
  return { name, dtype, shape, range: { source, offset, length: size }, crc32c, read };
}

function joinedTensor(
  whole: { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] },
  parts: readonly Part[],
  verify: boolean,
): CheckpointTensor {
  const itemSize = bytesPerElement(whole.dtype);
  return {
    ...whole,
    async read() {
      const bytes = new Uint8Array(elementCount(whole.shape) * itemSize);
      for (const { box, stored } of parts) {
        placeBox({ shape: whole.shape, bytes, itemSize }, box, await readStored(stored, verify));
      }
      return bytes;
    },
  };
}

interface NamedEntry {
  readonly key: string;
  readonly name: string;
  readonly entry: BundleEntry;
}

/** The parts of a partitioned variable, none of a tensor in one piece. */
function partsOf({ key, name, entry }: NamedEntry, index: BundleIndex, shards: Shards): readonly Part[] {
  if (entry.slices.length === 0) return [];
  const shape = entry.shape ?? [];
  const wrong = (found: string, expected: string) =>
    new FormatError({ file: index.file, what: `parts of "${name}"`, expected, found });
  if (shape.length > MAX_PARTITIONED_RANK) {
    throw wrong(`${shape.length}`, `at most ${MAX_PARTITIONED_RANK} axes`);
  }
  const parts = entry.slices.map(slice => {
    const box = boxOf(slice, shape);
    const place = describe(slice);
    if (box === undefined) throw wrong(place, `places inside [${shape.join(', ')}]`);
    const partKey = sliceKey(key, slice);
    const part = index.entries.get(partKey);
    if (part === undefined) throw wrong('no such entry', `an entry for ${place}`);
    if (part.slices.length > 0 || part.dataType !== entry.dataType || part.shape?.join() !== box.length.join()) {
      throw wrong(
        `type ${part.dataType}, shape [${part.shape?.join(', ')}]`,
        `type ${entry.dataType}, shape [${box.length.join(', ')}]`,
      );
    }
    return { box, key: partKey, stored: storedTensor(`${name} ${place}`, part, shards) };
  });
  const boxes = parts.map(part => part.box);
  if (!tilesExactly(shape, boxes)) throw wrong('gaps or overlaps', `parts that make up [${shape.join(', ')}]`);
  return parts;
}

/** The place that `slice` names, undefined when it is not inside `shape`. */
function boxOf(slice: readonly SliceExtent[], shape: readonly number[]): Box | undefined {
  if (slice.length !== shape.length || slice.length === 0) return undefined;
  const start = slice.map(extent => extent.start);
  const length = slice.map((extent, axis) => extent.length ?? shape[axis] ?? 0);
  const inside = start.every((from, axis) => {
    const size = length[axis] ?? 0;
    return from >= 0 && size >= 0 && from + size <= (shape[axis] ?? 0);
  });
  return inside ? { start, length } : undefined;
}

/** In TensorFlow's own notation: `0,14:-`. */
function describe(slice: readonly SliceExtent[]): string {
  return slice.map(({ start, length }) => (length === undefined ? '-' : `${start},${length}`)).join(':');
}

function nameOf(key: string, file: string): string {
  const bytes = Uint8Array.from(key, char => char.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new FormatError(
      { file, what: `key ${JSON.stringify(key)}`, expected: 'UTF-8', found: 'other bytes' },
      { cause: error },
    );
  }
}
