/**
 * SHA-256 (FIPS 180-4) piece by piece, wherever there is no `node:crypto`: WebCrypto hashes only what is in memory as a
 * whole, which a file of weights should not be.
 */
import type { ByteSource } from '../core/byte-source.ts';

/** Bytes read at a time: hashing so many keeps a page for about 7 ms. */
const PIECE = 1 << 20;

/** A hash that grows with the bytes it is given. */
export interface Sha256 {
  /** Takes the next bytes; they may change afterwards. */
  update(bytes: Uint8Array): void;
  /** 64 lower-case hexadecimal digits; nothing may follow. */
  digest(): string;
}

/** Bytes that are mixed in at a time. */
const BLOCK = 64;

/** The first 32 bits of the fractions of a root of the first 64 primes, which is what the standard's constants are. */
function fractions(root: (prime: number) => number): Int32Array {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every(prime => n % prime > 0)) primes.push(n);
  return Int32Array.from(primes, prime => (root(prime) % 1) * 2 ** 32);
}

const CONSTANTS = fractions(Math.cbrt);
const START = fractions(Math.sqrt);

/** Words of a block, used by one call at a time. */
const words = new Int32Array(64);

/** A new hash, of no bytes yet. */
export function createSha256(): Sha256 {
  const state = START.slice(0, 8);
  /** The beginning of a block that is not whole yet. */
  const rest = new Uint8Array(BLOCK);
  let length = 0;
  const update = (bytes: Uint8Array): void => {
    const view = viewOf(bytes);
    let place = length % BLOCK;
    length += bytes.length;
    for (let i = 0; i < bytes.length; ) {
      if (place === 0 && i + BLOCK <= bytes.length) {
        mix(state, view, i);
        i += BLOCK;
        continue;
      }
      const piece = bytes.subarray(i, i + BLOCK - place);
      rest.set(piece, place);
      i += piece.length;
      place = (place + piece.length) % BLOCK;
      if (place === 0) mix(state, viewOf(rest), 0);
    }
  };
  const digest = (): string => {
    // A one, zeros to the end of a block, and there the number of bits.
    const bits = BigInt(length) * 8n;
    const end = new Uint8Array(BLOCK + 8 - ((length + 8) % BLOCK));
    end[0] = 0x80;
    viewOf(end).setBigUint64(end.length - 8, bits);
    update(end);
    return Array.from(state, word => (word >>> 0).toString(16).padStart(8, '0')).join('');
  };
  return { update, digest };
}

/** Mixes one block into the state. */
function mix(state: Int32Array, view: DataView, offset: number): void {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(offset + 4 * i);
  for (let i = 16; i < 64; i++) {
    const early = words[i - 15] as number;
    const late = words[i - 2] as number;
    const earlier = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
    const later = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
    words[i] = (words[i - 16] as number) + earlier + (words[i - 7] as number) + later;
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let i = 0; i < 64; i++) {
    const chosen = (e & f) ^ (~e & g);
    const sum = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const mixed = (h + sum + chosen + (CONSTANTS[i] as number) + (words[i] as number)) | 0;
    const most = (a & b) ^ (a & c) ^ (b & c);
    const other = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + most;
    h = g;
    g = f;
    f = e;
    e = (d + mixed) | 0;
    d = c;
    c = b;
    b = a;
    a = (mixed + other) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
}

/** Turns a word to the right. */
function turn(value: number, bits: number): number {
  return (value >>> bits) | (value << (32 - bits));
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Adds everything in `source` to `hash`, a few megabytes at a time. */
export async function hashSource(hash: Sha256, source: ByteSource): Promise<Sha256> {
  for (let offset = 0; offset < source.size; offset += PIECE) {
    hash.update(await source.read(offset, Math.min(PIECE, source.size - offset)));
  }
  return hash;
}
