/**
 * Datasets stored in chunks, as h5py writes them when asked to compress or to allow resizing. Keras never does; users
 * who shrink a file do. Deflate and shuffle are undone; other filters are refused by name.
 *
 * HDF5 File Format Specification 3.0, sections III.A.1 (B-tree, node type 1) and IV.A.2.l (filter pipeline).
 */
import type { Extent, FileImage } from './file-image.ts';
import { attempt, type Hdf5File } from './jsfive-file.ts';
import type { Layout } from './messages.ts';

/** Largest chunk, before compression; h5py chooses 1 MiB at most. */
const MAX_CHUNK_BYTES = 1 << 26;

const FILTERS: Readonly<Record<number, string>> = { 1: 'deflate', 2: 'shuffle', 3: 'fletcher32', 4: 'szip', 5: 'nbit' };

/** What reading takes: `size` is bytes per element. */
export interface ChunkedDataset {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly layout: Layout & { readonly kind: 'chunked' };
  readonly filters: readonly Extent[];
}

/** A chunk: where its first element belongs, where its bytes are, and which filters were left out (a bit mask). */
interface Chunk extends Extent {
  readonly at: readonly number[];
  readonly mask: number;
}

/**
 * The elements in row-major order, in the stored byte order.
 * @throws FormatError when a chunk is missing or damaged, or a filter is not known.
 */
export async function readChunks(file: Hdf5File, dataset: ChunkedDataset): Promise<Uint8Array> {
  const { image, source } = file;
  const { name, shape, size, layout } = dataset;
  const chunkBytes = layout.chunk.reduce((product, length) => product * length, size);
  if (layout.chunk.length !== shape.length || layout.elementSize !== size || !(chunkBytes <= MAX_CHUNK_BYTES)) {
    throw image.error(`weight "${name}"`, `chunks that fit [${shape.join(', ')}]`, `[${layout.chunk.join(', ')}]`);
  }
  const what = `chunks of weight "${name}"`;
  const filters = await attempt(source, image, what, () => dataset.filters.flatMap(at => readFilters(image, at, name)));
  const chunks = await findChunks(file, dataset);
  const output = new Uint8Array(shape.reduce((product, length) => product * length, size));
  for (const chunk of chunks) {
    let bytes: Uint8Array = await source.read(file.base + chunk.begin, chunk.length);
    for (let i = filters.length - 1; i >= 0; i--) {
      if ((chunk.mask & (1 << i)) !== 0) continue;
      const packed = bytes;
      bytes =
        filters[i] === 1
          ? await attempt(source, image, what, () => inflate(image, name, packed, chunkBytes))
          : unshuffle(packed, size);
    }
    if (bytes.length !== chunkBytes) throw image.error(what, `${chunkBytes} bytes each`, `${bytes.length}`);
    copyChunk(bytes, chunk, dataset, output);
  }
  return output;
}

/** Filter numbers in the order they were applied. */
function readFilters(image: FileImage, { begin, length }: Extent, name: string): readonly number[] {
  const { view } = image;
  if (view.getUint8(begin) !== 1) throw image.error(`filters of "${name}"`, 'version 1', `${view.getUint8(begin)}`);
  const ids: number[] = [];
  for (let i = 0, at = begin + 8; i < view.getUint8(begin + 1); i++) {
    const values = at + 8 <= begin + length ? view.getUint16(at + 6, true) : 0xffff;
    const next = at + 8 + Math.ceil(view.getUint16(at + 2, true) / 8) * 8 + 4 * (values + (values % 2));
    if (next > begin + length) throw image.error(`filters of "${name}"`, `${length} bytes`, `${next - begin}`);
    const id = view.getUint16(at, true);
    if (id !== 1 && id !== 2) {
      throw image.error(`filters of "${name}"`, 'deflate or shuffle', FILTERS[id] ?? `filter ${id}`);
    }
    ids.push(id);
    at = next;
  }
  return ids;
}

/** Every chunk of a dataset, each exactly once. */
async function findChunks(file: Hdf5File, { name, shape, layout }: ChunkedDataset): Promise<readonly Chunk[]> {
  const { image, source } = file;
  const expected = shape.reduce((product, length, i) => product * Math.ceil(length / (layout.chunk[i] || 1)), 1);
  const chunks = new Map<string, Chunk>();
  const what = `chunks of weight "${name}"`;
  for (const nodes = [{ address: layout.tree, level: -1 }]; nodes.length > 0 && expected > 0; ) {
    const node = nodes.pop();
    if (node === undefined) break;
    const { level, entries } = await attempt(source, image, what, () => readNode(image, node.address, shape.length));
    if (node.level >= 0 && level !== node.level) throw image.error(what, `level ${node.level}`, `level ${level}`);
    if (level > 0) nodes.push(...entries.map(({ begin }) => ({ address: begin, level: level - 1 })));
    else for (const chunk of entries) chunks.set(chunk.at.join(), chunk);
  }
  const misplaced = [...chunks.values()].filter(({ at }) =>
    at.some((start, i) => start % (layout.chunk[i] || 1) !== 0 || start >= (shape[i] ?? 0)),
  );
  if (misplaced.length > 0 || chunks.size !== expected) {
    throw image.error(what, `${expected}`, `${chunks.size}, ${misplaced.length} of them out of place`);
  }
  return [...chunks.values()];
}

/** A node of the chunk tree; in inner nodes `begin` is the child's address. */
function readNode(image: FileImage, address: number, rank: number): { level: number; entries: readonly Chunk[] } {
  const { view } = image;
  image.need({ begin: address, length: 24 });
  const step = 24 + 8 * rank;
  const count = view.getUint16(address + 6, true);
  image.charge(256 * count);
  image.need({ begin: address, length: 24 + count * step });
  if (view.getUint32(address, false) !== 0x54524545 || view.getUint8(address + 4) !== 1) {
    throw image.error(`B-tree node at ${address}`, 'signature TREE and type 1', 'others');
  }
  const entries = Array.from({ length: count }, (_, i) => {
    const key = address + 24 + i * step;
    const at = Array.from({ length: rank }, (_, d) => image.u64(key + 8 + 8 * d));
    const begin = image.u64(key + step - 8);
    return { at, begin, length: view.getUint32(key, true), mask: view.getUint32(key + 4, true) };
  });
  return { level: view.getUint8(address + 5), entries };
}

/** Inflates a zlib stream to at most `limit` bytes. */
async function inflate(image: FileImage, name: string, bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const output = new Uint8Array(limit);
  let length = 0;
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('deflate'));
  // Not `for await`: Safari's streams are not iterable.
  const reader = stream.getReader();
  for (let part = await reader.read(); part.value !== undefined; part = await reader.read()) {
    if (length + part.value.length > limit) {
      await reader.cancel();
      throw image.error(`chunk of weight "${name}"`, `${limit} bytes`, 'more');
    }
    output.set(part.value, length);
    length += part.value.length;
  }
  return output.subarray(0, length);
}

/** Undoes HDF5's shuffle: first bytes of all elements, then all second bytes, … */
function unshuffle(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(bytes.length / size);
  const output = new Uint8Array(bytes);
  for (let byte = 0; byte < size; byte++) {
    for (let i = 0; i < count; i++) output[i * size + byte] = bytes[byte * count + i] ?? 0;
  }
  return output;
}

/** Copies the rows of a chunk that lie inside the array; chunks at the edges reach beyond it. */
function copyChunk(
  bytes: Uint8Array,
  { at }: Chunk,
  { shape, layout, size }: ChunkedDataset,
  output: Uint8Array,
): void {
  const last = shape.length - 1;
  const chunkRow = layout.chunk[last] ?? 1;
  const rowBytes = Math.min(chunkRow, (shape[last] ?? 1) - (at[last] ?? 0)) * size;
  const rows = bytes.length / (chunkRow * size);
  for (let row = 0; row < rows; row++) {
    const target = rowTarget(row, at, shape, layout.chunk);
    const begin = row * chunkRow * size;
    if (target !== undefined) output.set(bytes.subarray(begin, begin + rowBytes), target * size);
  }
}

/** Index in the array of the first element of a chunk's `row`; undefined when the row lies beyond an edge. */
function rowTarget(
  row: number,
  at: readonly number[],
  shape: readonly number[],
  chunk: readonly number[],
): number | undefined {
  const last = shape.length - 1;
  let stride = shape[last] ?? 1;
  let index = at[last] ?? 0;
  let rest = row;
  for (let d = last - 1; d >= 0; d--) {
    const position = (at[d] ?? 0) + (rest % (chunk[d] ?? 1));
    if (position >= (shape[d] ?? 0)) return undefined;
    index += position * stride;
    stride *= shape[d] ?? 1;
    rest = Math.floor(rest / (chunk[d] ?? 1));
  }
  return index;
}
