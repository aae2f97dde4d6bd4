/**
 * The inner loop of CRC-32C, in WebAssembly: no table and no multiplication, only loads and exclusive ors.
 *
 * Over GF(2), x^5275 + x^4508 + x^2751 + 1 is a multiple of the CRC's polynomial; it is the one of lowest degree with four
 * terms (found by trying all; `test/converters/crc32c.test.ts` checks the product). Squaring thrice makes the same of x^8,
 * so a byte may be taken out of a message when it is added to the bytes 767, 2524 and 5275 places behind it: the remainder
 * stays what it was. Taking out byte after byte is a running sum that 16 lanes do at once. The idea is that of Chorba
 * (S. Russell, "Chorba: A novel CRC32 implementation", 2024, arXiv:2412.16398), with a polynomial for CRC-32C.
 */

/** Exponents of the multiple of the polynomial, below the highest. */
const EXPONENTS = [4508, 2751, 0];

/** Degree of the multiple: how many bytes back, and ahead, folding reaches. */
export const FOLD_WINDOW = 5275;

/** How far behind itself a byte is added, in bytes. */
export const FOLD_DISTANCES = EXPONENTS.map(exponent => FOLD_WINDOW - exponent);

/** Bytes that one step of the loop takes. */
export const FOLD_STEP = 16;

/** Memory of the loop: the window behind, then what is to be folded. Shared, so used within one call only. */
export interface Folder {
  readonly memory: Uint8Array;
  /**
   * Folds bytes in place: each becomes the sum of itself and the folded bytes `FOLD_DISTANCES` before it. The first one
   * is at `start + FOLD_WINDOW`; `length` is a multiple of `FOLD_STEP`.
   */
  fold(start: number, length: number): void;
}

/** Pages of 64 KiB: small enough to stay in a core's own cache. */
const PAGES = 3;

let folder: Folder | undefined;

/** The loop, compiled on first use. Needs WebAssembly with SIMD, as ONNX Runtime for the web does. */
export function getFolder(): Folder {
  folder ??= compile();
  return folder;
}

function compile(): Folder {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { e: { m: memory } });
  const run = instance.exports['f'] as (start: number, end: number) => void;
  return {
    memory: new Uint8Array(memory.buffer),
    fold(start, length) {
      if (length > 0) run(start, start + length);
    },
  };
}

/** A module that imports memory `e.m` and exports `f(start: i32, end: i32)`. Numbers are those of the WebAssembly 2.0 spec. */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const i32 = 0x7f;
  const code = [0, ...foldLoop(), 0x0b]; // no locals besides the parameters; end
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, [1, 0x60, 2, i32, i32, 0]), // one type: (i32, i32) -> ()
    ...section(2, [1, 1, 0x65, 1, 0x6d, 2, 1, PAGES, PAGES]), // import "e" "m": memory with minimum and maximum
    ...section(3, [1, 0]), // one function, of type 0
    ...section(7, [1, 1, 0x66, 0, 0]), // export "f": function 0
    ...section(10, [1, ...leb128(code.length), ...code]),
  ]);
}

/** do { store(start + window, load(start + window) ^ load(start + e1) ^ …); start += 16 } while (start < end) */
function foldLoop(): number[] {
  const [start, end] = [0, 1];
  const load = (offset: number): number[] => [0x20, start, 0xfd, 0x00, 0, ...leb128(offset)];
  const xor = [0xfd, 0x51];
  return [
    ...[0x03, 0x40], // loop
    ...[0x20, start, ...load(FOLD_WINDOW)],
    ...EXPONENTS.flatMap(exponent => [...load(exponent), ...xor]),
    ...[0xfd, 0x0b, 0, ...leb128(FOLD_WINDOW)], // v128.store
    ...[0x20, start, 0x41, FOLD_STEP, 0x6a, 0x22, start], // start += 16
    ...[0x20, end, 0x49, 0x0d, 0], // br_if start < end
    0x0b,
  ];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb128(content.length), ...content];
}

function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >>> 7)];
}
