/**
 * `Tokenizer.decode` of bert4keras: tokens → readable text, by rules for glueing and then for spaces.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { InputError } from '../../core/errors.ts';
import { isCjkCharacter, isPunctuation } from '../text/character-class.ts';
import { lastCodePoint, strip } from '../text/python-string.ts';
import { isDecimalDigit } from '../text/unicode-11.ts';

/** A space after a sign of `Tokenizer._cjk_punctuation()` or one of the ASCII signs that take none after them. */
const spaceAfterSign = /([+\-/={(<[·–—‘’‛-‟…‧\u3000-〃〈-】〔-〟〰〾〿\ufe4f\ufe51\ufe54！-－／：-＠［-｀｛-､]) /g;

/** `Tokenizer._is_special`: `[MASK]`, but `[x]` and `[]` and `[` followed by anything up to a `]` too. */
export function isSpecialToken(token: string): boolean {
  return token.startsWith('[') && token.endsWith(']');
}

/**
 * The text that tokens stand for; special tokens stand for nothing.
 * @throws InputError when a token follows a first token without text (`##`), where the reference fails too.
 */
export function decodeTokens(tokens: readonly string[]): string {
  const text = joinTokens(tokens.filter(token => !isSpecialToken(token)))
    .replace(/ +/g, ' ')
    .replace(/' (re|m|s|t|ve|d|ll) /g, "'$1 ");
  return strip(joinDecimals(text.replace(spaceAfterSign, '$1')));
}

function joinTokens(tokens: readonly string[]): string {
  let text = '';
  let last = 0; // code point that text ends with
  for (const [index, token] of tokens.entries()) {
    if (index > 0 && text === '' && needsNeighbour(token)) throw nothingBefore(token);
    const piece = pieceAfter(last, token);
    if (piece !== '') last = lastCodePoint(piece);
    text += piece;
  }
  return text;
}

/** What a token adds to a text that ends with `last`. */
function pieceAfter(last: number, token: string): string {
  if (token.startsWith('##')) return token.slice(2);
  const single = singleCodePoint(token);
  if (isCjkCharacter(single)) return token;
  if (isPunctuation(single)) return `${token} `;
  return isCjkCharacter(last) ? token : ` ${token}`;
}

function needsNeighbour(token: string): boolean {
  const single = singleCodePoint(token);
  return !token.startsWith('##') && !isCjkCharacter(single) && !isPunctuation(single);
}

/** The code point of a token of one character, else 0. */
function singleCodePoint(token: string): number {
  const codePoint = token.codePointAt(0) ?? 0;
  return token.length === (codePoint > 0xffff ? 2 : 1) ? codePoint : 0;
}

/** `re.sub('(\d\.) (\d)', '\\1\\2', text)`, whose matches do not overlap: `1. 2. 3` becomes `1.2. 3`. */
function joinDecimals(text: string): string {
  let out = '';
  let taken = 0;
  for (let dot = text.indexOf('. '); dot >= 0; dot = text.indexOf('. ', dot + 1)) {
    const before = lastCodePoint(text, dot);
    const after = text.codePointAt(dot + 2) ?? 0;
    const from = dot - (before > 0xffff ? 2 : 1);
    if (from < taken || !isDecimalDigit(before) || !isDecimalDigit(after)) continue;
    const end = dot + 2 + (after > 0xffff ? 2 : 1);
    out += text.slice(taken, dot + 1) + text.slice(dot + 2, end);
    taken = end;
  }
  return out + text.slice(taken);
}

function nothingBefore(token: string): InputError {
  return new InputError({
    what: 'decoding',
    place: `token ${JSON.stringify(token)}`,
    expected: 'text before it, to see whether a space is needed',
    found: 'only tokens without text',
  });
}
