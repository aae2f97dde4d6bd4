/**
 * Files and folders of the local disk, in Node. A source holds one file handle and reads ranges at any offset.
 */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { ByteSource, ByteSourceSet } from '../core/byte-source.ts';
import { FormatError, IoError } from '../core/errors.ts';
import { MANIFEST_FILE } from '../core/manifest.ts';
import { attempt, statIfAny } from './file-access.ts';
import { checkName, checkRange, noSuchFile } from './names.ts';

/**
 * Opens the file at `filePath` for reading; `name` is what errors call it, the path by default.
 * @throws IoError when it can't be opened or is no plain file.
 */
export async function openFile(filePath: string, name = filePath): Promise<ByteSource> {
  const handle = await attempt(name, 'opening', () => open(filePath, 'r'));
  const facts = await attempt(name, 'opening', () => handle.stat());
  if (!facts.isFile()) {
    await handle.close();
    throw new IoError({ file: name, what: 'input', expected: 'a file', found: 'a folder or a device' });
  }
  return fileSource(handle, { name, size: facts.size, path: path.resolve(filePath) });
}

/** The files of a folder. `list` gives those directly inside; `open` takes names in sub-folders too. */
export function directorySet(directory: string): ByteSourceSet {
  return {
    async list() {
      const entries = await attempt(directory, 'listing the folder', () => readdir(directory, { withFileTypes: true }));
      return entries.filter(entry => !entry.isDirectory()).map(entry => entry.name);
    },
    async open(name) {
      checkName(name);
      const filePath = path.join(directory, name);
      const facts = await statIfAny(filePath);
      if (facts === undefined) {
        const error = noSuchFile(name, await this.list(), filePath);
        if (name !== MANIFEST_FILE) throw error;
        throw new IoError({ ...error.details, next: 'Name a model directory; `bert4ort convert` writes one.' });
      }
      return openFile(filePath);
    },
  };
}

/** A user's path as the set that holds it and a name in that set; the name may be a prefix of files' names. */
export interface SplitPath {
  readonly files: ByteSourceSet;
  readonly name: string;
}

/**
 * Splits a path that a user gave for a checkpoint: `dir/bert_model.ckpt`, `dir/bert_model.ckpt.index`,
 * `dir/best_model.weights`. Nothing of that very name need exist; the folder must.
 * @throws IoError when there is no such folder, or when the path itself is a folder.
 */
export async function splitPath(userPath: string): Promise<SplitPath> {
  const facts = await statIfAny(userPath);
  if (facts?.isDirectory()) {
    const names = (await readdir(userPath)).slice(0, 5).join(', ');
    throw new IoError({
      file: userPath,
      what: 'input',
      expected: 'a file, or the beginning of the names of several',
      found: `a folder with ${names}`,
      next: 'Name the file in it, or what the names of a TensorFlow bundle begin with.',
    });
  }
  const directory = path.dirname(userPath);
  const folder = await statIfAny(directory);
  if (!folder?.isDirectory()) throw new IoError({ file: userPath, what: 'no such folder', found: directory });
  return { files: directorySet(directory), name: path.basename(userPath) };
}

function fileSource(handle: FileHandle, source: { name: string; size: number; path: string }): ByteSource {
  return {
    ...source,
    async read(offset, length, into) {
      checkRange(source, offset, length);
      // Not from Buffer's pool, and not cleared first: every byte is about to be written.
      const memory = into ?? Buffer.allocUnsafeSlow(length);
      const bytes = new Uint8Array(memory.buffer, memory.byteOffset, length);
      await attempt(source.name, 'reading', () => fill(handle, bytes, offset, source.name));
      return bytes;
    },
    async close() {
      await handle.close();
    },
  };
}

async function fill(handle: FileHandle, bytes: Uint8Array, offset: number, name: string): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, offset + done);
    if (bytesRead === 0) {
      throw new FormatError({
        file: name,
        place: `byte ${offset + done}`,
        what: 'file',
        found: 'its end; it has shrunk',
      });
    }
    done += bytesRead;
  }
}
