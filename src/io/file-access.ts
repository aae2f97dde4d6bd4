/**
 * Calls to Node's file system with its errors turned into ours, shared by everything here that touches the disk.
 */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Bert4ortError, IoError, messageOf } from '../core/errors.ts';

/** Does `work` on `file`; `what` names it. @throws IoError for whatever Node throws. */
export async function attempt<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Bert4ortError) throw error;
    throw new IoError({ file, what, found: messageOf(error) }, { cause: error });
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
    throw new IoError({ file: path, what: 'looking', found: messageOf(error) }, { cause: error });
  }
}
