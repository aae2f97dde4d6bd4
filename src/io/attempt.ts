/**
 * Work on files in a browser, whose failures are exceptions of the browser's own.
 */
import { Bert4ortError, IoError, messageOf } from '../core/errors.ts';

/** What `work` gives; what it throws becomes an IoError that says what was tried with which file, unless it is ours. */
export async function attempt<T>(file: string, what: string, work: () => Promise<T>, next?: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Bert4ortError) throw cause;
    throw new IoError({ file, what, found: messageOf(cause), ...(next && { next }) }, { cause });
  }
}
