/**
 * SHA-256 of what lies on the disk, in Node, whose own implementation uses the processor's instructions for it.
 */
import { createHash } from 'node:crypto';
import type { ByteSource } from '../core/byte-source.ts';
import { openFile } from './file-source.ts';

/** Bytes read at a time. */
const PIECE = 1 << 20;

/** SHA-256 of everything in `source`, 64 lower-case hexadecimal digits. Errors as of reading it. */
export async function hashSource(source: ByteSource): Promise<string> {
  const hash = createHash('sha256');
  const memory = new Uint8Array(PIECE);
  for (let offset = 0; offset < source.size; offset += PIECE) {
    hash.update(await source.read(offset, Math.min(PIECE, source.size - offset), memory));
  }
  return hash.digest('hex');
}

/** SHA-256 of the file at `path`. @throws IoError when it can't be read. */
export async function hashFile(path: string): Promise<string> {
  const source = await openFile(path);
  try {
    return await hashSource(source);
  } finally {
    await source.close();
  }
}
