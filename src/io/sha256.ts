/**
 * SHA-256 (FIPS 180-4) piece by piece, wherever there is no `node:crypto`: WebCrypto hashes only what is in memory as a
 * whole, which a file of weights should not be.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { ByteSource } from '../core/byte-source.ts';
import { blobSource } from './blob.ts';

/** Bytes read at a time: hashing so many keeps a page for about 7 ms. */
const PIECE = 1 << 20;

/** A hash that grows with the bytes it is given. */
export interface Sha256 {
  /** Takes the next bytes; they may change afterwards. */
  update(bytes: Uint8Array): void;
  /** 64 lower-case hexadecimal digits; nothing may follow. */
  digest(): string;
}

/** A new hash, of no bytes yet. */
export function createSha256(): Sha256 {
  const hash = sha256.create();
  return {
    update(bytes) {
      hash.update(bytes);
    },
    digest: () => Array.from(hash.digest(), byte => byte.toString(16).padStart(2, '0')).join(''),
  };
}

/** Adds everything in `source` to `hash`, a few megabytes at a time. */
export async function hashSource(hash: Sha256, source: ByteSource): Promise<Sha256> {
  for (let offset = 0; offset < source.size; offset += PIECE) {
    hash.update(await source.read(offset, Math.min(PIECE, source.size - offset)));
  }
  return hash;
}

/** SHA-256 of a blob, in hexadecimal. */
export async function sha256Of(blob: Blob): Promise<string> {
  return (await hashSource(createSha256(), blobSource('blob', blob))).digest();
}
