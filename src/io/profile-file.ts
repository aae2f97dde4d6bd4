/**
 * A model's profile as a file beside its manifest, in Node.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { IoError } from '../core/errors.ts';
import {
  EMPTY_PROFILE,
  findEntry,
  formatProfile,
  PROFILE_FILE,
  type ProfileStore,
  parseProfile,
  profileKey,
  type StrategyProfile,
  withEntry,
} from '../core/strategy-profile.ts';
import { attempt, statIfAny } from './file-access.ts';

/** The profile in the folder `directory`. It is replaced as a whole: nobody reads half of one. */
export function profileFile(directory: string): ProfileStore {
  return {
    async find(measured) {
      const key = profileKey(measured);
      return key && findEntry(await readProfile(directory), key);
    },
    async keep(measured, result) {
      const key = profileKey(measured);
      if (key === undefined) return 'this device has no name';
      try {
        await writeProfile(directory, withEntry(await readProfile(directory), { ...key, ...result }));
        return undefined;
      } catch (error) {
        if (!(error instanceof IoError)) throw error;
        return error.message;
      }
    },
  };
}

/** All of the profile in a folder; an empty one where there is none. @throws IoError, FormatError. */
export async function readProfile(directory: string): Promise<StrategyProfile> {
  const file = path.join(directory, PROFILE_FILE);
  if ((await statIfAny(file)) === undefined) return EMPTY_PROFILE;
  return parseProfile(await attempt(file, 'reading', () => readFile(file, 'utf8')));
}

async function writeProfile(directory: string, profile: StrategyProfile): Promise<void> {
  const file = path.join(directory, PROFILE_FILE);
  const partial = path.join(directory, `.${PROFILE_FILE}.${crypto.randomUUID().slice(0, 8)}`);
  try {
    await attempt(file, 'writing', () => writeFile(partial, formatProfile(profile), { flag: 'wx' }));
    await attempt(file, 'writing', () => rename(partial, file));
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
