/**
 * A folder being written, in Node. Files go to a hidden folder beside the final one, which is renamed when everything is
 * there: a reader never sees half a model, and a failed conversion leaves nothing behind.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ByteSink, ByteWriter } from '../core/byte-source.ts';
import { IoError } from '../core/errors.ts';
import { attempt, statIfAny } from './file-access.ts';
import { hashFile } from './file-hash.ts';
import { checkName } from './names.ts';

/** Milliseconds between two looks at how far a copy by the kernel has come. */
const COPY_PROGRESS_INTERVAL = 100;

/** What {@link directorySink} takes. */
export interface DirectorySinkOptions {
  /** Replace a folder that is already there. Default false: a folder with files in it is refused. */
  readonly overwrite?: boolean;
}

/**
 * A sink that publishes the folder `target`. Parents are made as needed.
 * @throws IoError when `target` is a file, or a folder with files in it and `overwrite` is not set.
 */
export async function directorySink(target: string, options: DirectorySinkOptions = {}): Promise<ByteSink> {
  const final = path.resolve(target);
  const overwrite = options.overwrite ?? false;
  await refuseOccupied(final, overwrite);
  const partial = hiddenBeside(final, 'partial');
  await attempt(target, 'making a folder', async () => {
    await mkdir(path.dirname(final), { recursive: true });
    await mkdir(partial);
  });
  return partialDirectory({ final, partial, overwrite });
}

/** A name that nobody else uses. Not made by `mkdtemp`, whose folders only their owner may read. */
function hiddenBeside(final: string, what: string): string {
  return path.join(path.dirname(final), `.${path.basename(final)}.${what}-${crypto.randomUUID().slice(0, 8)}`);
}

interface Places {
  readonly final: string;
  readonly partial: string;
  readonly overwrite: boolean;
}

function partialDirectory({ final, partial, overwrite }: Places): ByteSink {
  const opened = new Map<FileHandle, string>();
  const place = async (name: string): Promise<string> => {
    checkName(name);
    const file = path.join(partial, name);
    await attempt(name, 'making a folder', () => mkdir(path.dirname(file), { recursive: true }));
    return file;
  };
  return {
    async create(name, size, { sha256 = false } = {}) {
      const file = await place(name);
      if (size !== undefined) await requireSpace(partial, name, size);
      const handle = await attempt(name, 'creating', () => open(file, 'wx'));
      opened.set(handle, name);
      return fileWriter(handle, { name, sha256, closed: () => opened.delete(handle) });
    },
    async link(name, from, { sha256 = false } = {}) {
      const file = await place(name);
      await attempt(name, `linking to ${from}`, () => link(from, file));
      return sha256 ? hashFile(from) : undefined;
    },
    async copy(name, from, { sha256 = false, onProgress } = {}) {
      const file = await place(name);
      const copying = attempt(name, `copying from ${from}`, () => copyWithProgress(from, file, onProgress));
      // Read beside the copying, which the operating system does: both find the bytes in its memory.
      const hashing = sha256 ? hashFile(from) : undefined;
      await Promise.allSettled([copying, hashing]);
      await copying;
      return hashing;
    },
    async commit() {
      for (const name of opened.values()) {
        throw new IoError({ file: name, what: 'file to publish', found: 'it is still being written' });
      }
      await refuseOccupied(final, overwrite);
      await attempt(final, 'publishing the folder', () => publish(partial, final));
    },
    async discard() {
      await Promise.all([...opened.keys()].map(handle => handle.close()));
      opened.clear();
      await attempt(partial, 'removing', () => rm(partial, { recursive: true, force: true }));
    },
  };
}

interface Writing {
  readonly name: string;
  readonly sha256: boolean;
  readonly closed: () => void;
}

function fileWriter(handle: FileHandle, { name, sha256, closed }: Writing): ByteWriter {
  const hash = sha256 ? createHash('sha256') : undefined;
  return {
    async write(bytes) {
      const writing = attempt(name, 'writing', async () => {
        for (let done = 0; done < bytes.length; ) {
          done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
        }
      });
      // While the operating system takes the bytes.
      hash?.update(bytes);
      await writing;
    },
    async close() {
      await attempt(name, 'closing', () => handle.close());
      closed();
      return hash?.digest('hex');
    },
  };
}

/** Clones where the file system can (Btrfs, XFS, APFS, ReFS), else copies inside the kernel; reports bytes so far. */
async function copyWithProgress(from: string, to: string, onProgress?: (bytes: number) => void): Promise<void> {
  let copied = false;
  const copying = copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL).finally(() => {
    copied = true;
  });
  while (onProgress !== undefined && !copied) {
    // The kernel tells nothing while it copies; the size of what there is so far does.
    await Promise.race([copying, setTimeout(COPY_PROGRESS_INTERVAL, undefined, { ref: false })]);
    const facts = await statIfAny(to);
    if (facts !== undefined) onProgress(facts.size);
  }
  return copying;
}

/** Puts `partial` in the place of `final`. An old folder is moved aside first, and back when
 * that fails, so that there is always one of the two. */
async function publish(partial: string, final: string): Promise<void> {
  const occupied = await statIfAny(final);
  if (occupied === undefined) return rename(partial, final);
  const old = hiddenBeside(final, 'old');
  await rename(final, old);
  try {
    await rename(partial, final);
  } catch (error) {
    await rename(old, final);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

async function refuseOccupied(target: string, overwrite: boolean): Promise<void> {
  const facts = await statIfAny(target);
  if (facts === undefined) return;
  if (!facts.isDirectory()) throw new IoError({ file: target, what: 'output folder', found: 'a file of this name' });
  if (overwrite || (await readdir(target)).length === 0) return;
  throw new IoError({
    file: target,
    what: 'output folder',
    expected: 'none, or an empty one',
    found: 'one with files in it',
    next: 'Remove it, name another, or replace it with overwrite (--overwrite).',
  });
}

/** A disk that is too full is found out before hours of writing, not after. */
async function requireSpace(directory: string, name: string, size: number): Promise<void> {
  const facts = await attempt(directory, 'asking for free space', () => statfs(directory));
  const free = facts.bavail * facts.bsize;
  if (size > free) {
    throw new IoError({ file: name, what: 'space on the disk', expected: `${size} bytes`, found: `${free} free` });
  }
}
