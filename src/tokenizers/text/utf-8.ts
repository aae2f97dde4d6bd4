/** UTF-8 as Python's `open(…, encoding='utf-8')` reads it: bad bytes are refused, a byte order mark is a character. */
import { FormatError, messageOf } from '../../core/errors.ts';

/** The text of a file. @throws FormatError when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (thrown) {
    const next = 'Save the file as UTF-8.';
    throw new FormatError({ what: 'text', file, expected: 'UTF-8', found: messageOf(thrown), next }, { cause: thrown });
  }
}
