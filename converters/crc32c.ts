/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), reflected polynomial 0x82f63b78, as TensorFlow and LevelDB use it.
 */

/** A checksum that grows with the bytes it is given. */
export interface Crc32c {
  /** Takes the next bytes. */
  update(bytes: Uint8Array): void;
  /** The checksum of all bytes so far, unsigned, not masked. */
  digest(): number;
}

const TABLES = makeTables(8);

/** A new checksum, of no bytes yet. */
export function createCrc32c(): Crc32c {
  let state = 0xffffffff;
  return {
    update(bytes) {
      state = extend(state, bytes);
    },
    digest() {
      return ~state >>> 0;
    },
  };
}

/** The checksum of `bytes`, unsigned, not masked. */
export function crc32cOf(bytes: Uint8Array): number {
  return ~extend(0xffffffff, bytes) >>> 0;
}

/**
 * The form in which LevelDB and TensorFlow store checksums, so that a checksum of bytes that hold checksums stays useful:
 * rotated right by 15 bits, plus a constant. leveldb/util/crc32c.h.
 */
export function maskCrc32c(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

function extend(state: number, bytes: Uint8Array): number {
  const [table = new Uint32Array(256)] = TABLES;
  let crc = state;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return crc;
}

function makeTables(count: number): readonly Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    return crc;
  });
  const tables = [first];
  for (let k = 1; k < count; k++) {
    const previous = tables[k - 1] ?? first;
    tables.push(previous.map(crc => (crc >>> 8) ^ (first[crc & 0xff] ?? 0)));
  }
  return tables;
}
