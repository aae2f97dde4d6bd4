/**
 * A model's profile as a file beside its manifest, in Node.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PROFILE_FILE, type ProfileStore } from '../core/strategy-profile.ts';
import { attempt, statIfAny } from './file-access.ts';

/** The profile in the folder `directory`. It is replaced as a whole: nobody reads half of one. */
export function profileFile(directory: string): ProfileStore {
  const file = path.join(directory, PROFILE_FILE);
  return {
    async read() {
      if ((await statIfAny(file)) === undefined) return null;
      return attempt(file, 'reading', () => readFile(file, 'utf8'));
    },
    async write(text) {
      const partial = path.join(directory, `.${PROFILE_FILE}.${crypto.randomUUID().slice(0, 8)}`);
      try {
        await attempt(file, 'writing', () => writeFile(partial, text, { flag: 'wx' }));
        await attempt(file, 'writing', () => rename(partial, file));
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
  };
}
