/**
 * CRC-32C: published values, the polynomial that folding rests on, and folding against the definition, bit by bit.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { crc32cOf, createCrc32c, maskCrc32c } from '../../converters/crc32c.ts';
import { FOLD_DISTANCES, FOLD_WINDOW } from '../../converters/crc32c-fold.ts';

describe('CRC-32C', () => {
  it('gives the values of RFC 3720 B.4 and the check value of the catalogues', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
    assert.equal(crc32cOf(new Uint8Array(32)), 0x8a9136aa);
    assert.equal(crc32cOf(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
    assert.equal(crc32cOf(ascending), 0x46dd794e);
    assert.equal(crc32cOf(ascending.toReversed()), 0x113fdb5c);
    assert.equal(crc32cOf(new TextEncoder().encode('123456789')), 0xe3069283);
    assert.equal(crc32cOf(new Uint8Array(0)), 0);
  });

  it('masks as LevelDB does', () => {
    // The masked checksum of an empty message is the constant alone.
    assert.equal(maskCrc32c(0), 0xa282ead8);
    assert.equal(maskCrc32c(0xe3069283), ((0xe3069283 >>> 15) + ((0xe3069283 << 17) >>> 0) + 0xa282ead8) % 2 ** 32);
  });

  it('folds with a multiple of the polynomial', () => {
    const polynomial = (1n << 32n) | 0x1edc6f41n;
    const exponents = [FOLD_WINDOW, ...FOLD_DISTANCES.map(distance => FOLD_WINDOW - distance)];
    let rest = exponents.reduce((sum, exponent) => sum ^ (1n << BigInt(exponent)), 0n);
    assert.equal(exponents.length, 4);
    for (let degree = FOLD_WINDOW; degree >= 32; degree--) {
      if ((rest >> BigInt(degree)) & 1n) rest ^= polynomial << BigInt(degree - 32);
    }
    assert.equal(rest, 0n);
  });

  it('agrees with the definition at every length around the window and the memory', () => {
    const bytes = noise(3 * 65536 + 100, 1);
    const around = [0, FOLD_WINDOW, FOLD_WINDOW + 64, 2 * FOLD_WINDOW, 3 * 65536 - FOLD_WINDOW, 3 * 65536];
    for (const length of around.flatMap(center => [-17, -16, -1, 0, 1, 15, 16, 17].map(delta => center + delta))) {
      if (length < 0) continue;
      assert.equal(crc32cOf(bytes.subarray(0, length)), bitwise(bytes.subarray(0, length)), `${length} bytes`);
    }
  });

  it('does not depend on how the bytes are cut, and may be asked in between', () => {
    const piece = fc.oneof(fc.nat(40), fc.nat(2 * FOLD_WINDOW), fc.constantFrom(FOLD_WINDOW, 65536, 200_000));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(), (lengths, seed) => {
        const total = lengths.reduce((sum, length) => sum + length, 0);
        const bytes = noise(total, seed);
        const crc = createCrc32c();
        let end = 0;
        for (const length of lengths) {
          crc.update(bytes.subarray(end, end + length));
          end += length;
          assert.equal(crc.digest(), crc.digest());
        }
        assert.equal(crc.digest(), crc32cOf(bytes));
        assert.equal(crc.digest(), bytewise(bytes));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps checksums that grow at the same time apart', () => {
    const [a, b] = [noise(50_000, 3), noise(50_000, 4)];
    const [first, second] = [createCrc32c(), createCrc32c()];
    for (let from = 0; from < 50_000; from += 10_000) {
      first.update(a.subarray(from, from + 10_000));
      second.update(b.subarray(from, from + 10_000));
    }
    assert.deepEqual([first.digest(), second.digest()], [bitwise(a), bitwise(b)]);
  });
});

function noise(length: number, seed: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return state >>> 24;
  });
}

/** The definition: shift a bit in, subtract the polynomial when one falls out. */
function bitwise(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/** Two halves of each byte, for the longer messages. */
function bytewise(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    crc = (crc >>> 4) ^ (NIBBLES[crc & 15] ?? 0);
    crc = (crc >>> 4) ^ (NIBBLES[crc & 15] ?? 0);
  }
  return ~crc >>> 0;
}

const NIBBLES = Int32Array.from({ length: 16 }, (_, nibble) => {
  let crc = nibble;
  for (let bit = 0; bit < 4; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});
