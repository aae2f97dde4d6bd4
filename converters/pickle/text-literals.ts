/**
 * Protocol 0 writes numbers and strings as Python source would: one line each, with escapes.
 *
 * Reference: https://github.com/python/cpython/blob/v2.7.18/Lib/pickle.py and the escapes of Python 2's string literals.
 */

const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;

/** Longest decimal integer; Python itself refuses more than 4300 digits since 3.11. */
const MAX_DIGITS = 4300;

/** Longest float; Python writes 24 characters at most. */
const MAX_FLOAT = 64;

/** Single-letter escapes of Python string literals. */
const ESCAPES = new Map<number, number>(
  Object.entries({ '\\': 92, "'": 39, '"': 34, a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }).map(([letter, byte]) => [
    letter.charCodeAt(0),
    byte,
  ]),
);

/** The bytes of a quoted Python 2 string literal, or undefined when it is none. */
export function parseByteString(line: Uint8Array): Uint8Array | undefined {
  const quote = line[0];
  const end = line.length - 1;
  if (end < 1 || (quote !== 0x27 && quote !== 0x22) || line[end] !== quote) return undefined;
  const bytes = new Uint8Array(end - 1);
  let length = 0;
  for (let at = 1; at < end; ) {
    const byte = line[at] ?? 0;
    if (byte === quote) return undefined;
    if (byte !== BACKSLASH) {
      bytes[length++] = byte;
      at++;
      continue;
    }
    const [value, width] = parseEscape(line, at + 1);
    if (value === undefined || at + 1 + width > end) return undefined;
    bytes[length++] = value;
    at += 1 + width;
  }
  return bytes.subarray(0, length);
}

/** Value and width of the escape whose letter stands at `at`; the value is undefined when it is no escape. */
function parseEscape(line: Uint8Array, at: number): readonly [value: number | undefined, width: number] {
  const letter = line[at] ?? 0;
  if (letter === 0x78) {
    const value = 16 * hexDigit(line[at + 1]) + hexDigit(line[at + 2]);
    return [Number.isNaN(value) ? undefined : value, 3];
  }
  const single = ESCAPES.get(letter);
  if (single !== undefined) return [single, 1];
  let value = 0;
  let width = 0;
  for (; width < 3 && isOctal(line[at + width]); width++) value = 8 * value + (line[at + width] ?? 0) - 0x30;
  return [width === 0 || value > 255 ? undefined : value, width];
}

/**
 * Text in Python's raw-unicode-escape: Latin-1, where a backslash that an even number of others precede begins `uXXXX`
 * or `UXXXXXXXX`. Undefined when such an escape is incomplete.
 */
export function parseRawUnicode(line: Uint8Array): string | undefined {
  const units: string[] = [];
  let start = 0;
  for (let at = line.indexOf(BACKSLASH); at >= 0; at = line.indexOf(BACKSLASH, at)) {
    const letter = line[at + 1];
    if (letter !== 0x75 && letter !== 0x55) {
      at += letter === BACKSLASH ? 2 : 1;
      continue;
    }
    const digits = letter === 0x75 ? 4 : 8;
    const code = hexNumber(line, at + 2, digits);
    if (!(code <= 0x10ffff)) return undefined;
    units.push(latin1(line.subarray(start, at)), String.fromCodePoint(code));
    at += 2 + digits;
    start = at;
  }
  units.push(latin1(line.subarray(start)));
  return units.join('');
}

/** Bytes as Latin-1 text. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

/** A decimal integer; a bigint only where a number would not be exact. Undefined when it is none, or absurdly long. */
export function parseInteger(text: string): number | bigint | undefined {
  if (text.length > MAX_DIGITS || !/^[+-]?\d+$/.test(text)) return undefined;
  return fitted(BigInt(text.replace('+', '')));
}

/** A two's complement little-endian integer of any length. */
export function integerFromBytes(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  const negative = ((bytes[bytes.length - 1] ?? 0) & 0x80) !== 0;
  return fitted(negative ? value - (1n << BigInt(8 * bytes.length)) : value);
}

/** A float as Python's `repr` writes it. */
export function parseFloatLiteral(text: string): number | undefined {
  if (text.length > MAX_FLOAT) return undefined;
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  const special = /^([+-]?)(nan|inf)$/.exec(text);
  if (special === null) return undefined;
  if (special[2] === 'nan') return Number.NaN;
  return special[1] === '-' ? -Infinity : Infinity;
}

/** Index of the next line feed, or -1. */
export function endOfLine(bytes: Uint8Array, from: number): number {
  return bytes.indexOf(NEWLINE, from);
}

function fitted(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function hexNumber(line: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = 0; i < digits; i++) value = 16 * value + hexDigit(line[at + i]);
  return value;
}

/** Value of a hexadecimal digit; NaN for any other byte. */
function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}

function isOctal(byte = 0): boolean {
  return byte >= 0x30 && byte <= 0x37;
}
