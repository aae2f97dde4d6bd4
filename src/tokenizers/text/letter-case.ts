/**
 * Python's `str.lower` and `str.upper`, and bert4keras' `lowercase_and_normalize`, by Unicode 11. The engine's own
 * methods do the work on runs of assigned characters; an unassigned one stays as it is and separates what stands beside it,
 * exactly as a character without properties does in the Unicode algorithms.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/snippets.py
 */
import { isAssigned, isNonspacingMark } from './unicode-11.ts';

/** Case-ignorable and cased characters in the sense of final sigma; what no longer is either stands beside the property. */
const ignorable = String.raw`(?:(?![\u055f\ua9bd])[\p{Case_Ignorable}\u1734\u{1171e}])`;
const cased = String.raw`(?:(?!${ignorable})[\p{Cased}\u0295])`;
const finalSigma = new RegExp(`(?<=${cased}${ignorable}*)Σ(?!${ignorable}*${cased})`, 'gu');

/** `text.lower()`. Final sigma depends on its neighbours; every other character has one lower-case form. */
export function lower(text: string): string {
  return mapAssignedRuns(text, run => run.replace(finalSigma, 'ς').replaceAll('Σ', 'σ').toLowerCase());
}

/** `text.upper()`. A capital that Unicode 11 does not know yet is not used. */
export function upper(text: string): string {
  let out = '';
  for (const character of text) {
    const capital = isAssigned(character.codePointAt(0) ?? 0) ? character.toUpperCase() : character;
    out += Array.from(capital).every(point => isAssigned(point.codePointAt(0) ?? 0)) ? capital : character;
  }
  return out;
}

/** Lower case, then decomposed (NFD), then without non-spacing marks: what `doLowerCase` does to a whole text. */
export function lowercaseAndNormalize(text: string): string {
  const decomposed = mapAssignedRuns(lower(text), run => run.normalize('NFD'));
  let out = '';
  for (const character of decomposed) if (!isNonspacingMark(character.codePointAt(0) ?? 0)) out += character;
  return out;
}

function mapAssignedRuns(text: string, map: (run: string) => string): string {
  let out = '';
  let start = 0;
  let at = 0;
  while (at < text.length) {
    const codePoint = text.codePointAt(at) ?? 0;
    const next = at + (codePoint > 0xffff ? 2 : 1);
    if (!isAssigned(codePoint)) {
      out += map(text.slice(start, at)) + text.slice(at, next);
      start = next;
    }
    at = next;
  }
  return start === 0 ? map(text) : out + map(text.slice(start));
}
