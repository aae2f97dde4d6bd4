/**
 * The origin's private file system in browsers (https://fs.spec.whatwg.org): where converted models can live.
 *
 * Directories there can't be renamed, so a model lies in a folder of its own beside others of the same name, and a small
 * file, replaced in one step, says which of them is the one. A reader never sees half a model.
 */
import type { ByteSink, ByteSource, ByteSourceSet, ByteWriter } from '../core/byte-source.ts';
import { IoError, messageOf } from '../core/errors.ts';
import { attempt } from './attempt.ts';
import { blobSource } from './blob.ts';
import { checkName, noSuchFile } from './names.ts';
import { createSha256 } from './sha256.ts';

/** Names the folder that holds the published files. */
const CURRENT = '.current';

/**
 * The files of a directory handle: one that {@link opfsSink} published, or any other, picked by the user for instance.
 * `list` gives those directly inside; `open` takes names in sub-folders too.
 */
export async function opfsSet(directory: FileSystemDirectoryHandle): Promise<ByteSourceSet> {
  const folder = await published(directory);
  return {
    list: () => listFiles(folder),
    async open(name) {
      checkName(name);
      const source = await openIn(folder, name);
      if (source === undefined) throw noSuchFile(name, await listFiles(folder));
      return source;
    },
  };
}

/**
 * A sink that publishes its files as `directory`, in one step, in place of those published there before.
 * @throws IoError when the file system refuses.
 * @example
 * const root = await navigator.storage.getDirectory();
 * const directory = await root.getDirectoryHandle('my-model', { create: true });
 * await convert(options, await opfsSink(directory));
 * const model = await loadModel(directory);
 */
export async function opfsSink(directory: FileSystemDirectoryHandle): Promise<ByteSink> {
  const version = `v-${crypto.randomUUID()}`;
  const folder = await attempt(version, 'making a folder', () =>
    directory.getDirectoryHandle(version, { create: true }),
  );
  const open = new Map<FileSystemWritableFileStream, string>();
  return {
    async create(name, size, { sha256 = false } = {}) {
      checkName(name);
      if (size !== undefined) await requireSpace(name, size);
      const stream = await attempt(name, 'creating', async () =>
        (await fileHandle(folder, name, { create: true })).createWritable(),
      );
      open.set(stream, name);
      return streamWriter(stream, { name, sha256, closed: () => open.delete(stream) });
    },
    async commit() {
      for (const name of open.values()) {
        throw new IoError({ file: name, what: 'file to publish', found: 'it is still being written' });
      }
      await attempt(CURRENT, 'publishing', async () => {
        const stream = await (await directory.getFileHandle(CURRENT, { create: true })).createWritable();
        await stream.write(version);
        await stream.close();
      });
      await removeVersions(directory, name => name !== version);
    },
    async discard() {
      await Promise.all([...open.keys()].map(stream => stream.abort()));
      open.clear();
      await removeVersions(directory, name => name === version);
    },
  };
}

/**
 * Makes sure that the browser has room for `size` more bytes.
 * @throws IoError when it says that it has not.
 */
export async function requireSpace(name: string, size: number): Promise<void> {
  const { quota, usage = 0 } = await navigator.storage.estimate();
  if (quota === undefined || size <= quota - usage) return;
  throw new IoError({
    file: name,
    what: "space in the browser's storage",
    expected: `${size} bytes`,
    found: `${quota - usage} of ${quota} free`,
    next: 'Free space on the disk, or delete data of this site.',
  });
}

function streamWriter(
  stream: FileSystemWritableFileStream,
  { name, sha256, closed }: { readonly name: string; readonly sha256: boolean; readonly closed: () => void },
): ByteWriter {
  const hash = sha256 ? createSha256() : undefined;
  return {
    async write(bytes) {
      hash?.update(bytes);
      // Copied at once: the stream may still hold the bytes when the caller reuses their memory.
      await attempt(name, 'writing', () => stream.write(new Uint8Array(bytes)));
    },
    async close() {
      await attempt(name, 'closing', () => stream.close());
      closed();
      return hash?.digest();
    },
  };
}

function listFiles(folder: FileSystemDirectoryHandle): Promise<string[]> {
  return attempt(folder.name, 'listing the folder', async () => {
    const names: string[] = [];
    for await (const [name, entry] of folder.entries()) if (entry.kind === 'file') names.push(name);
    return names;
  });
}

async function published(directory: FileSystemDirectoryHandle): Promise<FileSystemDirectoryHandle> {
  const current = await openIn(directory, CURRENT);
  if (current === undefined) return directory;
  const version = new TextDecoder().decode(await current.read(0, current.size));
  return attempt(version, 'opening the published folder', () => directory.getDirectoryHandle(version));
}

async function openIn(folder: FileSystemDirectoryHandle, name: string): Promise<ByteSource | undefined> {
  try {
    return blobSource(name, await (await fileHandle(folder, name)).getFile());
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw new IoError({ file: name, what: 'opening', found: messageOf(error) }, { cause: error });
  }
}

async function fileHandle(
  folder: FileSystemDirectoryHandle,
  name: string,
  options?: FileSystemGetFileOptions,
): Promise<FileSystemFileHandle> {
  const parts = name.split('/');
  const last = parts.pop() ?? '';
  let inner = folder;
  for (const part of parts) inner = await inner.getDirectoryHandle(part, options);
  return inner.getFileHandle(last, options);
}

async function removeVersions(directory: FileSystemDirectoryHandle, which: (name: string) => boolean): Promise<void> {
  const names: string[] = [];
  for await (const name of directory.keys()) if (/^v-[-0-9a-f]{36}$/.test(name) && which(name)) names.push(name);
  for (const name of names) {
    await attempt(name, 'removing', () => directory.removeEntry(name, { recursive: true }));
  }
}
