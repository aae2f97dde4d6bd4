/**
 * Small files that commands take by path: configurations, vocabularies, token lists.
 */
import { readFile } from 'node:fs/promises';
import { FormatError, messageOf } from '../core/errors.ts';
import type { Json } from '../core/manifest.ts';
import { attempt } from '../io/file-access.ts';
import { decodeUtf8 } from '../tokenizers/text/utf-8.ts';

/** The bytes of a file. @throws IoError when it can't be read. */
export async function readBytes(path: string): Promise<Uint8Array> {
  return attempt(path, 'input', async () => new Uint8Array(await readFile(path)));
}

/** The text of a file, without a byte order mark. @throws IoError when it can't be read; FormatError when it is not UTF-8. */
export async function readText(path: string): Promise<string> {
  return decodeUtf8(await readBytes(path), path).replace(/^\uFEFF/, '');
}

/** The JSON value in a file. @throws IoError when it can't be read; FormatError when it is not JSON in UTF-8. */
export async function readJson(path: string): Promise<Json> {
  return parseJson(await readText(path), path);
}

/** A JSON value from the command line or a file; `place` names it. @throws FormatError when it is not JSON. */
export function parseJson(text: string, place: string): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError({ what: 'JSON', file: place, found: messageOf(error) }, { cause: error });
  }
}
