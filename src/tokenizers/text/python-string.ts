/**
 * Methods of Python's `str` whose JavaScript namesakes differ: white space is another set (Python has U+001C–U+001F and
 * U+0085, JavaScript has U+FEFF), and lengths count code points.
 */

/** `str.isspace` of one character: what `strip` strips, `split` splits at, and `\s` matches. */
export function isPythonSpace(codePoint: number): boolean {
  if (codePoint <= 0x20)
    return codePoint === 0x20 || (codePoint >= 0x1c ? true : codePoint >= 0x09 && codePoint <= 0x0d);
  if (codePoint < 0x1680) return codePoint === 0x85 || codePoint === 0xa0;
  if (codePoint < 0x2000) return codePoint === 0x1680;
  if (codePoint <= 0x200a) return true;
  return (
    codePoint === 0x2028 || codePoint === 0x2029 || codePoint === 0x202f || codePoint === 0x205f || codePoint === 0x3000
  );
}

/** `text.strip(characters)`: without them at both ends; without white space when none are given. */
export function strip(text: string, characters?: string): string {
  const stripped = characters === undefined ? undefined : new Set(Array.from(characters, codePointOf));
  const goes = (codePoint: number): boolean => stripped?.has(codePoint) ?? isPythonSpace(codePoint);
  let from = 0;
  let to = text.length;
  while (from < to) {
    const codePoint = text.codePointAt(from) ?? 0;
    if (!goes(codePoint)) break;
    from += codePoint > 0xffff ? 2 : 1;
  }
  while (to > from) {
    const codePoint = lastCodePoint(text, to);
    if (!goes(codePoint)) break;
    to -= codePoint > 0xffff ? 2 : 1;
  }
  return text.slice(from, to);
}

/** `text.split()`: the runs without white space. */
export function split(text: string): string[] {
  const words: string[] = [];
  let start = -1;
  for (let at = 0; at < text.length; at++) {
    if (!isPythonSpace(text.charCodeAt(at))) {
      if (start < 0) start = at;
    } else if (start >= 0) {
      words.push(text.slice(start, at));
      start = -1;
    }
  }
  if (start >= 0) words.push(text.slice(start));
  return words;
}

/** The lines of a file that Python opened in text mode: `\r\n` and `\r` end lines too, no other character does. */
export function fileLines(text: string): string[] {
  const lines = text.includes('\r') ? text.split(/\r\n|\r|\n/) : text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** `len(text)`: the number of code points. */
export function codePointLength(text: string): number {
  let length = text.length;
  for (let at = 1; at < text.length; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) length--;
  }
  return length;
}

/** Code point that ends before `end`, by default the last of a text that is not empty. */
export function lastCodePoint(text: string, end = text.length): number {
  const unit = text.charCodeAt(end - 1);
  const pair = (unit & 0xfc00) === 0xdc00 ? (text.codePointAt(end - 2) ?? unit) : unit;
  return pair > 0xffff ? pair : unit;
}

function codePointOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
