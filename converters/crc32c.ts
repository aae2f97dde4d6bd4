/**
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4), as LevelDB and TensorFlow use it. Fast enough not to be felt beside reading
 * the bytes: long messages are folded to a few kilobytes first (see crc32c-fold.ts), which a table of 256 then finishes.
 * `test/bench/crc32c.ts` measures it against the alternatives.
 */
import { FOLD_DISTANCES, FOLD_STEP, FOLD_WINDOW, getFolder } from './crc32c-fold.ts';

/** A checksum that grows with the bytes it is given. */
export interface Crc32c {
  /** Takes the next bytes; they may change afterwards. */
  update(bytes: Uint8Array): void;
  /** The checksum of all bytes so far, unsigned, not masked. More may follow. */
  digest(): number;
}

/** The polynomial without its highest term, lowest degree in the highest bit. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** Bytes held back: a folded byte is added to others up to a window behind it, which must be there. */
const HELD = FOLD_WINDOW + 64;

/** A new checksum, of no bytes yet. */
export function createCrc32c(): Crc32c {
  // A window of folded bytes, which held bytes still have to be summed with, and then the `held` bytes themselves.
  const kept = new Uint8Array(FOLD_WINDOW + HELD);
  let held = 0;
  let folded = false;
  return {
    update(bytes) {
      if (held + bytes.length <= HELD) {
        kept.set(bytes, FOLD_WINDOW + held);
        held += bytes.length;
        return;
      }
      const { memory } = getFolder();
      memory.set(kept.subarray(0, FOLD_WINDOW + held));
      held = foldInto({ held, first: !folded }, bytes);
      kept.set(memory.subarray(0, FOLD_WINDOW + held));
      folded = true;
    },
    digest() {
      const rest = kept.slice(FOLD_WINDOW, FOLD_WINDOW + held);
      if (folded) addFolded(rest, kept.subarray(0, FOLD_WINDOW));
      return ~remainder(rest, folded ? 0 : ~0) >>> 0;
    },
  };
}

/** The checksum of `bytes`, unsigned, not masked. */
export function crc32cOf(bytes: Uint8Array): number {
  const crc = createCrc32c();
  crc.update(bytes);
  return crc.digest();
}

/**
 * The form in which LevelDB and TensorFlow store checksums, so that checksums of bytes that hold checksums stay useful:
 * rotated right by 15 bits, plus a constant.
 * https://github.com/google/leveldb/blob/068d5ee1a3ac40dabd00d211d5013af44be55bea/util/crc32c.h
 */
export function maskCrc32c(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

/** A checksum for an error message: `0xe3069283`. */
export function hexCrc32c(checksum: number): string {
  return `0x${checksum.toString(16).padStart(8, '0')}`;
}

/** Folds all of `bytes` but the last held ones in the shared memory; returns how many are held there now. */
function foldInto(state: { readonly held: number; readonly first: boolean }, bytes: Uint8Array): number {
  const { memory, fold } = getFolder();
  let { held, first } = state;
  for (let from = 0; from < bytes.length; ) {
    const part = bytes.subarray(from, from + memory.length - FOLD_WINDOW - held);
    memory.set(part, FOLD_WINDOW + held);
    held += part.length;
    from += part.length;
    if (first) {
      // The initial value of all ones is the same as four inverted bytes at the front.
      for (let i = 0; i < 4; i++) memory[FOLD_WINDOW + i] = ~(memory[FOLD_WINDOW + i] ?? 0);
      first = false;
    }
    const ready = Math.max(0, held - FOLD_WINDOW);
    const length = ready - (ready % FOLD_STEP);
    fold(0, length);
    memory.copyWithin(0, length, FOLD_WINDOW + held);
    held -= length;
  }
  return held;
}

/** Adds what folding took out of the bytes before `rest` to `rest`. */
function addFolded(rest: Uint8Array, before: Uint8Array): void {
  for (const distance of FOLD_DISTANCES) {
    const reach = Math.min(distance, rest.length);
    for (let i = 0; i < reach; i++) rest[i] = (rest[i] ?? 0) ^ (before[FOLD_WINDOW - distance + i] ?? 0);
  }
}

function remainder(bytes: Uint8Array, initial: number): number {
  let crc = initial;
  for (let i = 0; i < bytes.length; i++) crc = (TABLE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  return crc;
}
