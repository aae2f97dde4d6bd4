/**
 * A dataset as a tensor of the checkpoint: type, shape and byte range are known at once, its elements are read when
 * asked for.
 */
import { elementCount } from '../../src/core/dtype.ts';
import type { ByteRange, CheckpointTensor } from '../checkpoint.ts';
import { readChunks } from './chunks.ts';
import type { Extent } from './file-image.ts';
import { attempt, type Hdf5File, type Hdf5Object } from './jsfive-file.ts';
import { type Layout, readDataspace, readDatatype, readLayout } from './messages.ts';
import { MESSAGE } from './object-header.ts';

/**
 * Describes a dataset; no element is read.
 * @throws FormatError when its elements are not numbers, or their size, shape and place don't agree.
 */
export function describeDataset(file: Hdf5File, object: Hdf5Object, name: string): Promise<CheckpointTensor> {
  return attempt(file.source, file.image, `weight "${name}"`, () => tensorOf(file, object, name));
}

function tensorOf(file: Hdf5File, object: Hdf5Object, name: string): CheckpointTensor {
  const { image, source, base } = file;
  const shape = readDataspace(image, onlyMessage(file, object, 'dataspace'));
  const type = readDatatype(image, onlyMessage(file, object, 'datatype'));
  const layout = readLayout(image, onlyMessage(file, object, 'layout'));
  const filters = object.messages.filter(message => message.type === MESSAGE.filters);
  if (type.kind !== 'number') {
    throw image.error(`type of weight "${name}"`, 'integers or floats', type.kind === 'other' ? type.name : 'strings');
  }
  const { dtype, size, bigEndian } = type;
  if (layout.kind === 'chunked') {
    const read = async () =>
      littleEndian(await readChunks(file, { name, shape, size, layout, filters }), size, bigEndian);
    return { name, dtype, shape, read };
  }
  const { begin, length } = checkExtent(file, name, layout, elementCount(shape) * size);
  const range = { source, offset: base + begin, length };
  if (!bigEndian) return { name, dtype, shape, range, read: reader(range, size, false) };
  return { name, dtype, shape, read: reader(range, size, true) };
}

/** Reads a range. A function of its own, so that what it returns doesn't keep the file's image alive. */
function reader({ source, offset, length }: ByteRange, size: number, bigEndian: boolean): () => Promise<Uint8Array> {
  return async () => littleEndian(await source.read(offset, length), size, bigEndian);
}

/** The message of a type that a dataset has exactly one of. */
function onlyMessage(file: Hdf5File, object: Hdf5Object, kind: 'dataspace' | 'datatype' | 'layout'): Extent {
  const messages = object.messages.filter(message => message.type === MESSAGE[kind]);
  const [message] = messages;
  if (message === undefined || messages.length > 1 || (message.flags & 2) !== 0) {
    throw file.image.error(`${kind} of "/${object.path}"`, 'one message', `${messages.length}, perhaps a shared one`);
  }
  return message;
}

function checkExtent(file: Hdf5File, name: string, layout: Layout & { kind: 'contiguous' }, bytes: number): Extent {
  const { begin, length } = layout.extent;
  if (length !== bytes) throw file.image.error(`weight "${name}"`, `${bytes} bytes of data`, `${length}`);
  if (!(begin >= 0 && begin + length <= file.image.byteLength)) {
    throw file.image.error(`weight "${name}"`, `data inside ${file.image.byteLength} bytes`, `${length} at ${begin}`);
  }
  return layout.extent;
}

function littleEndian(bytes: Uint8Array, size: number, bigEndian: boolean): Uint8Array {
  if (!bigEndian) return bytes;
  const swapped = new Uint8Array(bytes);
  for (let at = 0; at < swapped.length; at += size) swapped.subarray(at, at + size).reverse();
  return swapped;
}
