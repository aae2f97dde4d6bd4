/**
 * SHA-256 of our own against Node's: every length around a block's, however the bytes are cut.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { memorySource } from '../../src/io/memory.ts';
import { createSha256, hashSource } from '../../src/io/sha256.ts';

describe('SHA-256', () => {
  it('is that of FIPS 180-2, appendix B', () => {
    const abc = createSha256();
    abc.update(new TextEncoder().encode('abc'));
    assert.equal(abc.digest(), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    const million = createSha256();
    for (let i = 0; i < 1000; i++) million.update(new Uint8Array(1000).fill(0x61));
    assert.equal(million.digest(), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
  });

  it('is Node’s for every length up to three blocks', () => {
    for (let length = 0; length <= 192; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 31 + length);
      const hash = createSha256();
      hash.update(bytes);
      assert.equal(hash.digest(), expected(bytes), `${length} bytes`);
    }
  });

  it('does not depend on how the bytes are cut, nor on what happens to them afterwards', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 }), pieces => {
        const hash = createSha256();
        const all = Uint8Array.from(pieces.flatMap(piece => [...piece]));
        for (const piece of pieces) {
          hash.update(piece);
          piece.fill(0);
        }
        assert.equal(hash.digest(), expected(all));
      }),
    );
  });

  it('reads sources piece by piece', async () => {
    const bytes = Uint8Array.from({ length: 2_500_001 }, (_, i) => i * 31);
    const hash = await hashSource(createSha256(), memorySource('bytes', bytes));
    assert.equal(hash.digest(), expected(bytes));
  });
});

function expected(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
