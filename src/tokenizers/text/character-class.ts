/**
 * What bert4keras' `Tokenizer` asks of a character, answered once per code point and then from a table: what it does to the
 * words around it, and what lower-casing would do to it. The table fills as characters are met.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { lowercaseAndNormalize } from './letter-case.ts';
import { isAssigned, isControl, isNonspacingMark, isPunctuationCategory, isSpaceSeparator } from './unicode-11.ts';

/** Part of a word. */
export const LETTER = 1;
/** Punctuation or CJK: a word of its own. */
export const ALONE = 2;
/** Ends a word and vanishes. */
export const SEPARATOR = 3;
/** Vanishes, so that what stands beside it joins. */
export const DROPPED = 4;
/** Mask of the four above. */
export const ROLE = 7;
/** `lower()` changes it. */
const LOWERS = 8;
/** NFD changes it, or may move it. */
const DECOMPOSES = 16;
/** It has a non-spacing mark in its decomposition, or is one. */
const MARKED = 32;
/** Σ, whose lower case depends on its neighbours, or a character that Unicode 11 does not know. */
const IRREGULAR = 64;
/** It is a non-spacing mark. */
const MARK = 128;

const classes = new Uint8Array(0x110000);

/** Role and flag of a code point: `classOf(c) & ROLE` is one of the four roles. */
export function classOf(codePoint: number): number {
  return classes[codePoint] || classify(codePoint);
}

/** `lowercaseAndNormalize`, in as many steps as the text's characters call for: none for most Chinese text. */
export function fold(text: string): string {
  let seen = 0;
  for (let at = 0; at < text.length; at++) {
    let codePoint = text.charCodeAt(at);
    if ((codePoint & 0xfc00) === 0xd800) {
      codePoint = text.codePointAt(at) ?? 0;
      if (codePoint > 0xffff) at++;
    }
    seen |= classOf(codePoint);
  }
  if ((seen & IRREGULAR) !== 0) return lowercaseAndNormalize(text);
  let folded = text;
  if ((seen & LOWERS) !== 0) folded = folded.toLowerCase();
  if ((seen & DECOMPOSES) !== 0) folded = folded.normalize('NFD');
  return (seen & MARKED) === 0 ? folded : withoutMarks(folded);
}

/** `Tokenizer._is_punctuation`: ASCII's symbols and every category P*. */
export function isPunctuation(codePoint: number): boolean {
  if (codePoint < 0x80) return /[!-/:-@[-`{-~]/.test(String.fromCharCode(codePoint));
  return isPunctuationCategory(codePoint);
}

/** `Tokenizer._is_cjk_character`: the Han blocks up to extension E with the compatibility ideographs; no kana, no Hangul. */
export function isCjkCharacter(codePoint: number): boolean {
  return (
    (codePoint >= 0x4e00 && codePoint <= 0x9fff) ||
    (codePoint >= 0x3400 && codePoint <= 0x4dbf) ||
    (codePoint >= 0x20000 && codePoint <= 0x2a6df) ||
    (codePoint >= 0x2a700 && codePoint <= 0x2ceaf) || // extensions C, D and E
    (codePoint >= 0xf900 && codePoint <= 0xfaff) ||
    (codePoint >= 0x2f800 && codePoint <= 0x2fa1f)
  );
}

/** `Tokenizer._is_space`: blank, line ends, tab and category Zs. */
export function isTokenizerSpace(codePoint: number): boolean {
  return (
    codePoint === 0x20 || codePoint === 0x0a || codePoint === 0x0d || codePoint === 0x09 || isSpaceSeparator(codePoint)
  );
}

/** Characters that tokenizing and `rematch` leave out: U+0000, U+FFFD, control and format characters. */
export function isDropped(codePoint: number): boolean {
  return codePoint === 0 || codePoint === 0xfffd || isControl(codePoint);
}

function withoutMarks(text: string): string {
  let out = '';
  let start = 0;
  for (let at = 0; at < text.length; ) {
    const codePoint = text.codePointAt(at) ?? 0;
    const next = at + (codePoint > 0xffff ? 2 : 1);
    if ((classOf(codePoint) & MARK) !== 0) {
      out += text.slice(start, at);
      start = next;
    }
    at = next;
  }
  return out + text.slice(start);
}

function classify(codePoint: number): number {
  const value = roleOf(codePoint) | foldingOf(codePoint);
  classes[codePoint] = value;
  return value;
}

function roleOf(codePoint: number): number {
  if (isPunctuation(codePoint) || isCjkCharacter(codePoint)) return ALONE;
  if (isTokenizerSpace(codePoint)) return SEPARATOR;
  if (isDropped(codePoint)) return DROPPED;
  // Line and paragraph separator survive the reference's first pass; its split() then cuts there.
  return codePoint === 0x2028 || codePoint === 0x2029 ? SEPARATOR : LETTER;
}

function foldingOf(codePoint: number): number {
  if (codePoint === 0x3a3 || !isAssigned(codePoint)) return IRREGULAR;
  const character = String.fromCodePoint(codePoint);
  const lowered = character.toLowerCase();
  const decomposed = lowered.normalize('NFD');
  let folding = lowered === character ? 0 : LOWERS;
  // Spacing marks can have a combining class, by which NFD sorts them.
  if (decomposed !== lowered || /\p{Mc}/u.test(character)) folding |= DECOMPOSES;
  if (isNonspacingMark(codePoint)) folding |= MARK;
  if (Array.from(decomposed).some(part => isNonspacingMark(part.codePointAt(0) ?? 0))) folding |= MARKED;
  return folding;
}
