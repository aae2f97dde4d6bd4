/**
 * Character categories as Python 3.7 sees them. bert4keras leaves them to Python's `unicodedata`, which there holds
 * Unicode 11; an engine knows a later version, whichever it is. Two things make the engine's tables exact: a code point that
 * Unicode 11 leaves unassigned has no property at all, and four assigned ones have changed since.
 */
import { unassignedRanges } from './unicode-11-table.ts';

/** First code points of the ranges, alternating: assigned, unassigned, assigned, … */
const starts = decodeStarts(unassignedRanges);

/** Whether Unicode 11 assigns the code point. Surrogates count as assigned. */
export function isAssigned(codePoint: number): boolean {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= codePoint) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 0;
}

/** Category Mn, the non-spacing marks. */
export function isNonspacingMark(codePoint: number): boolean {
  if (codePoint === 0x1734 || codePoint === 0x1171e) return true;
  return codePoint !== 0xa9bd && has(codePoint, /\p{Mn}/u);
}

/** Any category P*; symbols (S*) are not punctuation. */
export function isPunctuationCategory(codePoint: number): boolean {
  return codePoint === 0x166d || has(codePoint, /\p{P}/u);
}

/** Category Cc or Cf: control and format characters. */
export function isControl(codePoint: number): boolean {
  return has(codePoint, /[\p{Cc}\p{Cf}]/u);
}

/** Category Zs, the space characters that are neither line nor paragraph separators. */
export function isSpaceSeparator(codePoint: number): boolean {
  return has(codePoint, /\p{Zs}/u);
}

/** Category Nd: what `\d` matches in Python. */
export function isDecimalDigit(codePoint: number): boolean {
  return has(codePoint, /\p{Nd}/u);
}

/** Any category L*: what `str.isalpha` asks of each character. */
export function isLetter(codePoint: number): boolean {
  return codePoint !== 0x1cf2 && codePoint !== 0x1cf3 && has(codePoint, /\p{L}/u);
}

function has(codePoint: number, category: RegExp): boolean {
  return category.test(String.fromCodePoint(codePoint)) && isAssigned(codePoint);
}

function decodeStarts(table: string): readonly number[] {
  const decoded: number[] = [];
  let last = 0;
  let high = 0;
  for (const character of table) {
    const digit = Number.parseInt(character, 36);
    if (character >= 'A' && character <= 'Z') {
      high = high * 26 + digit - 10;
      continue;
    }
    last += high * 36 + digit;
    high = 0;
    decoded.push(decoded.length % 2 === 0 ? last : last + 1);
  }
  return decoded;
}
