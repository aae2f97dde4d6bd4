/**
 * What a file must be to be the one that a manifest was written for.
 */
import { FormatError } from './errors.ts';

/** What is known of a file before it is read. */
export interface ExpectedFile {
  /** How progress and errors call it. */
  readonly file: string;
  /** Bytes. */
  readonly size?: number | undefined;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256?: string | undefined;
}

/**
 * Compares what was found with what is expected; a size that is not known fits any.
 * @throws FormatError when the file is another one.
 */
export function requireSame({ file, size, sha256 }: ExpectedFile, found: Omit<ExpectedFile, 'file'>): void {
  const next = 'Fetch or convert the model again.';
  if (size !== undefined && found.size !== size) {
    throw new FormatError({ file, what: 'size', expected: `${size} bytes`, found: `${found.size} bytes`, next });
  }
  if (found.sha256 !== sha256) {
    throw new FormatError({ file, what: 'SHA-256', expected: `${sha256}`, found: `${found.sha256}`, next });
  }
}
