/**
 * Checks that every implementation of byte sources and sinks makes: names stay inside their set, ranges inside their
 * source.
 */
import type { ByteSource } from '../core/byte-source.ts';
import { FormatError, IoError } from '../core/errors.ts';
import { staysInside } from '../core/file-name.ts';

/**
 * Refuses a name that could leave its set: absolute, with `.` or `..` parts, back slashes, drive letters or a NUL.
 * @throws IoError with the name.
 */
export function checkName(name: string): void {
  if (!staysInside(name)) {
    throw new IoError({
      what: `file name ${JSON.stringify(name)}`,
      expected: 'a path inside the folder, with forward slashes',
    });
  }
}

/** @throws FormatError when `length` bytes from `offset` do not lie inside the source. */
export function checkRange(source: Pick<ByteSource, 'name' | 'size'>, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!valid || offset + length > source.size) {
    throw new FormatError({
      file: source.name,
      place: `byte ${offset}`,
      what: 'range of bytes',
      expected: `${length} bytes inside the file's ${source.size}`,
      found: `${Math.max(0, source.size - offset)} bytes`,
      next: 'The file is truncated or damaged; fetch it again.',
    });
  }
}

/** The error for a name that is not in a set; `names` are those that are, of which close ones are shown. */
export function noSuchFile(name: string, names: readonly string[], file = name): IoError {
  const stem = name.slice(0, 4).toLowerCase();
  const close = names.filter(other => other.toLowerCase().startsWith(stem)).slice(0, 5);
  const listed = (close.length > 0 ? close : names.slice(0, 5)).join(', ');
  return new IoError({
    file,
    what: 'no such file',
    ...(listed === '' ? {} : { found: `${names.length} others: ${listed}${names.length > 5 ? ', …' : ''}` }),
  });
}
