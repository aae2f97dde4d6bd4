/**
 * Small files that commands take by path: configurations, vocabularies, token lists.
 */
import { readFile } from 'node:fs/promises';
import { FormatError, messageOf } from '../core/errors.ts';
import type { Json } from '../core/manifest.ts';
import { attempt } from '../io/file-access.ts';

/** The bytes of a file. @throws IoError when it can't be read. */
export async function readBytes(path: string): Promise<Uint8Array> {
  return attempt(path, 'input', async () => new Uint8Array(await readFile(path)));
}

/** The JSON value in a file. @throws IoError when it can't be read; FormatError when it is not JSON. */
export async function readJson(path: string): Promise<Json> {
  return parseJson(new TextDecoder().decode(await readBytes(path)), path);
}

/** A JSON value from the command line or a file; `place` names it. @throws FormatError when it is not JSON. */
export function parseJson(text: string, place: string): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError({ what: 'JSON', file: place, found: messageOf(error) }, { cause: error });
  }
}
