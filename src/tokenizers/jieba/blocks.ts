/** jieba's first split of a text (`re_han_default`, `re_skip_default`), by UTF-16 code units. */

/** Python's white space `\s`: JavaScript's without U+FEFF and with U+001C to U+001F and U+0085. */
export const whiteSpaceClass = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** For each ASCII character 1 where blocks have it. */
const asciiInBlocks = Uint8Array.from({ length: 128 }, (_, unit) =>
  Number(/[\w+#&.%-]/.test(String.fromCharCode(unit))),
);

/** Whether a code unit belongs to a block that is cut: Han as of Unicode 8, or an ASCII character of words and numbers. */
export function isBlockUnit(unit: number): boolean {
  return unit < 128 ? asciiInBlocks[unit] === 1 : isHanUnit(unit);
}

/** Whether a code unit is a Han character to jieba: U+4E00 to U+9FD5. */
export function isHanUnit(unit: number): boolean {
  return unit >= 0x4e00 && unit <= 0x9fd5;
}

/** Whether a code unit is an ASCII letter or digit. */
export function isAlphanumericUnit(unit: number): boolean {
  return unit < 128 && asciiInBlocks[unit] === 1 && !'+#&._%-'.includes(String.fromCharCode(unit));
}

/** The end of the run that starts at `at` and whose units all answer `belongs` alike. */
export function endOfRun(text: string, at: number, end: number, belongs: (unit: number) => boolean): number {
  const kind = belongs(text.charCodeAt(at));
  let stop = at + 1;
  while (stop < end && belongs(text.charCodeAt(stop)) === kind) stop += 1;
  return stop;
}
