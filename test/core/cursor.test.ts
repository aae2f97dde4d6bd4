/**
 * The cursor: values, bounds, and errors that name file and place.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Cursor } from '../../src/core/cursor.ts';
import { FormatError } from '../../src/core/errors.ts';
import { readU64, safeNumber } from '../../src/core/int64.ts';

const over = (...bytes: readonly number[]) => new Cursor(Uint8Array.from(bytes), { file: 'a.index', what: 'footer' });

describe('cursor', () => {
  it('reads little-endian values one after the other', () => {
    const cursor = over(1, 2, 1, 4, 3, 2, 0xff, 5, 0, 0, 0, 0, 0, 0x10, 0, 9, 8);
    assert.deepEqual(
      [cursor.u8(), cursor.u16(), cursor.u32(), readU64(cursor)],
      [1, 0x0102, 0xff020304, 2 ** 44 * 256 + 5],
    );
    assert.deepEqual([cursor.position, cursor.remaining], [15, 2]);
    assert.deepEqual(cursor.bytes(2), Uint8Array.of(9, 8));
    cursor.seek(1);
    assert.equal(cursor.u8(), 2);
  });

  it('reads what a varint writer writes, up to 2^53 - 1', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), value => {
        const bytes: number[] = [];
        let rest = BigInt(value);
        for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
        assert.equal(over(...bytes, Number(rest)).varint(), value);
      }),
    );
  });

  it('refuses integers that a number can not hold', () => {
    const message = /^a\.index, byte 0 of the footer: footer; expected an integer .*; found /;
    assert.throws(() => over(...Array(9).fill(0xff), 1).varint(), { name: 'FormatError', message });
    assert.throws(() => over(...Array(20).fill(0x80)).varint(), { name: 'FormatError', message });
    assert.throws(() => readU64(over(...Array(8).fill(0xff))), { name: 'FormatError', message });
    assert.throws(() => safeNumber(-(2n ** 60n), { what: 'offset' }), {
      message: 'offset; expected an integer within ±(2^53 - 1); found -1152921504606846976',
    });
    assert.equal(safeNumber(-(2n ** 53n - 1n), { what: 'offset' }), -Number.MAX_SAFE_INTEGER);
  });

  it('never reads past its end, and stays where it was', () => {
    const reads: readonly ((cursor: Cursor) => unknown)[] = [
      cursor => cursor.u16(),
      cursor => cursor.u32(),
      readU64,
      cursor => cursor.bytes(2),
      cursor => cursor.bytes(-1),
      cursor => cursor.bytes(0.5),
      cursor => cursor.seek(2),
      cursor => cursor.seek(-1),
    ];
    for (const read of reads) {
      const cursor = over(7);
      assert.throws(() => read(cursor), FormatError);
      assert.equal(cursor.position, 0);
    }
    const message = 'a.index, byte 0 of the footer: footer; expected 4 more bytes; found 1';
    assert.throws(() => over(7).u32(), { message });
  });
});
