/**
 * Quantities as people read them.
 */

/** Bytes for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** A number with separators between thousands. */
export function grouped(value: number): string {
  return value.toLocaleString('en');
}

/** Milliseconds for people. */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}
