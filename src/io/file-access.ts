/**
 * Calls to Node's file system with its errors turned into ours, shared by everything here that touches the disk.
 */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Bert4ortError, type ErrorDetails, IoError, messageOf } from '../core/errors.ts';

/** Does `work` on `file`; `what` names it. @throws IoError for whatever Node throws. */
export async function attempt<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Bert4ortError) throw error;
    throw new IoError({ file, what, ...inWords(error) }, { cause: error });
  }
}

/** What is at `path`, or undefined when nothing is. @throws IoError when that can't be found out. */
export async function statIfAny(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw new IoError({ file: path, what: 'looking', ...inWords(error) }, { cause: error });
  }
}

/** What the codes of Node's errors that users meet mean, and what to do about them. */
const MEANINGS: Readonly<Record<string, { readonly found: string; readonly next: string }>> = {
  ENOENT: { found: 'no such file or folder', next: 'Check the path; relative ones start at the current folder.' },
  ENOTDIR: { found: 'a file where a folder is needed', next: 'Name the folder itself.' },
  EISDIR: { found: 'a folder where a file is needed', next: 'Name a file in it.' },
  EACCES: { found: 'no permission', next: 'Allow it, or name another place.' },
  EPERM: { found: 'no permission', next: 'Allow it, or name another place.' },
  EROFS: { found: 'a read-only file system', next: 'Name another place.' },
  ENOSPC: { found: 'no space left on the device', next: 'Make room, or name another place.' },
};

function inWords(error: unknown): Pick<ErrorDetails, 'found' | 'next'> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const meaning = MEANINGS[code];
  return meaning === undefined ? { found: messageOf(error) } : { ...meaning, found: `${meaning.found} (${code})` };
}
