/**
 * The only door to jsfive. It finds things (superblock, names of links, strings on the heap); what it can't be trusted
 * with is done around it: addresses and sizes are checked before it reads, reading happens on demand, whatever it
 * throws becomes a FormatError, and nothing it would print is reached.
 */
import { File, Group } from 'jsfive';
import type { ByteSource } from '../../src/core/byte-source.ts';
import { Bert4ortError, FormatError, messageOf } from '../../src/core/errors.ts';
import { createFileImage, type FileImage, MissingBytes } from './file-image.ts';
import { type HeaderMessage, MESSAGE, readObjectHeader } from './object-header.ts';

/** Signature of every HDF5 file, section II.A of the specification. */
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** The signature stands at 0 or, after a user block, at 512 · 2^n. Larger user blocks than 1 MiB are not looked for. */
const MAX_USER_BLOCK = 1 << 20;

/** A group or a dataset. */
export interface Hdf5Object {
  readonly path: string;
  readonly messages: readonly HeaderMessage[];
  /** Null for a dataset. */
  readonly group: Group | null;
}

/** An HDF5 file whose structures are read on demand. */
export interface Hdf5File {
  readonly source: ByteSource;
  /** Where address 0 lies in the source: the size of the user block. */
  readonly base: number;
  readonly image: FileImage;
  readonly root: Hdf5Object;
  /** Addresses already opened: an object with two names would be read twice without anyone knowing. */
  readonly opened: Set<number>;
}

/** Where an HDF5 file begins in `source`, or undefined when it is none. */
export async function findSignature(source: ByteSource): Promise<number | undefined> {
  for (let base = 0; base <= MAX_USER_BLOCK; base = base === 0 ? 512 : base * 2) {
    if (base + SIGNATURE.length > source.size) return undefined;
    const found = await source.read(base, SIGNATURE.length);
    if (SIGNATURE.every((byte, i) => found[i] === byte)) return base;
  }
  return undefined;
}

/**
 * Opens the root group.
 * @throws FormatError when the file is damaged or of a kind that Keras doesn't write; IoError when it can't be read.
 */
export async function openHdf5(source: ByteSource): Promise<Hdf5File> {
  const base = await findSignature(source);
  if (base === undefined) {
    throw new FormatError({
      file: source.name,
      what: 'HDF5 signature',
      expected: '\\x89HDF\\r\\n\\x1a\\n',
      found: 'none',
    });
  }
  const image = createFileImage(source, base);
  const address = await attempt(source, image, 'superblock', () => checkSuperblock(image, base));
  const root = await attempt(source, image, 'root group', () => {
    const messages = readObjectHeader(image, address);
    return { path: '', messages, group: new File(image, source.name) };
  });
  return { source, base, image, root, opened: new Set([address]) };
}

/** Names of a group's links, in file order (alphabetical, mostly). A dataset has none. */
export function linkNames(object: Hdf5Object): readonly string[] {
  return object.group === null ? [] : Object.keys(object.group._links);
}

/** The object behind a link, or undefined when the group has no such link. @throws FormatError */
export async function openChild(file: Hdf5File, parent: Hdf5Object, name: string): Promise<Hdf5Object | undefined> {
  const { group } = parent;
  if (group === null || !Object.hasOwn(group._links, name)) return undefined;
  const path = parent.path === '' ? name : `${parent.path}/${name}`;
  const address = group._links[name];
  const what = `object "${path}"`;
  if (typeof address !== 'number' || /^\.?\.?$|\//.test(name)) {
    throw new FormatError({ file: file.source.name, what, expected: 'a plain link', found: 'a soft link or a path' });
  }
  if (file.opened.has(address)) {
    throw new FormatError({
      file: file.source.name,
      what,
      expected: 'its own data',
      found: 'a second name of another',
    });
  }
  const messages = await attempt(file.source, file.image, what, () => readObjectHeader(file.image, address));
  file.opened.add(address);
  const isGroup = messages.some(message => message.type === MESSAGE.symbolTable);
  const opened = isGroup ? await attempt(file.source, file.image, what, () => group.get(name)) : null;
  return { path, messages, group: opened instanceof Group ? opened : null };
}

/** The bytes of the variable-length string whose heap id (16 bytes) is at `address`. @throws FormatError */
export function readHeapString(file: Hdf5File, object: Hdf5Object, address: number): Promise<Uint8Array> {
  const owner = (object.group ?? file.root.group)?._dataobjects;
  return attempt(file.source, file.image, `string of "${object.path}"`, () => {
    const [length, data] = owner?._vlen_size_and_data(file.image, address) ?? [0, undefined];
    if (data === undefined || length > data.byteLength) {
      throw file.image.error(
        `string of "${object.path}"`,
        `${length} bytes on the heap`,
        `${data?.byteLength ?? 'none'}`,
      );
    }
    return new Uint8Array(data, 0, length);
  });
}

/**
 * Runs `step` until the pages it needs are there. `step` may run several times.
 * @throws FormatError for anything else that `step` throws.
 */
export async function attempt<T>(
  source: ByteSource,
  image: FileImage,
  what: string,
  step: () => T | Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (thrown) {
      if (!(thrown instanceof MissingBytes)) throw asFormatError(source, what, thrown);
      await image.fill(thrown.extents);
    }
  }
}

function asFormatError(source: ByteSource, what: string, thrown: unknown): Error {
  if (thrown instanceof Bert4ortError) return thrown;
  return new FormatError(
    { file: source.name, what, expected: 'intact HDF5 structures', found: messageOf(thrown) },
    { cause: thrown },
  );
}

/** Address of the root group's header. Version 0 superblocks only: no version of Keras writes another. */
function checkSuperblock(image: FileImage, base: number): number {
  image.need({ begin: 0, length: 96 });
  const { view } = image;
  const version = view.getUint8(8);
  if (version !== 0) {
    throw new FormatError({
      file: image.name,
      what: 'HDF5 superblock',
      expected: 'version 0, as Keras writes it',
      found: `version ${version}`,
      next: "Save the weights again with Keras, or copy the file with h5py without libver='latest'.",
    });
  }
  if (image.u64(24) !== base) throw image.error('base address', `${base}, where the file begins`, `${image.u64(24)}`);
  const end = image.u64(40);
  const size = base + image.byteLength;
  if (end > size) throw image.error('size of the file', `${end} bytes, as the superblock says`, `${size}`);
  return image.u64(64);
}
