/**
 * `Tokenizer.rematch` of bert4keras: which characters of a text each token came from.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { InputError } from '../../core/errors.ts';
import { fold, isDropped } from '../text/character-class.ts';
import { lower } from '../text/letter-case.ts';
import { stem } from '../vocabulary.ts';
import { isSpecialToken } from './decode-tokens.ts';

/** The text as tokens see it, and for each of its code units the character it came from. */
interface Normalized {
  readonly text: string;
  /** -1 for the second unit of a pair, so that each character counts once. */
  readonly origins: readonly number[];
}

/**
 * For each token the indices of its characters, counted in code points; none for special tokens. With `doLowerCase` they
 * count in the lower-cased text, as in the reference, which is longer only where a capital becomes two characters (İ). A
 * character that became several (NFD) is named once for each.
 * @throws InputError when a token is not found behind the one before.
 */
export function rematchTokens(given: string, tokens: readonly string[], doLowerCase: boolean): number[][] {
  const { text, origins } = normalize(doLowerCase ? lower(given) : given, doLowerCase);
  let offset = 0;
  return tokens.map((token, index) => {
    if (isSpecialToken(token)) return [];
    const sought = stem(token);
    const start = text.indexOf(sought, offset);
    if (start < 0) throw notFound(index, token);
    offset = start + sought.length;
    return origins.slice(start, offset).filter(origin => origin >= 0);
  });
}

function normalize(text: string, doLowerCase: boolean): Normalized {
  const origins: number[] = [];
  let normalized = '';
  let index = 0;
  for (const character of text) {
    for (const part of doLowerCase ? fold(character) : character) {
      if (isDropped(part.codePointAt(0) ?? 0)) continue;
      normalized += part;
      origins.push(index);
      if (part.length === 2) origins.push(-1);
    }
    index++;
  }
  return { text: normalized, origins };
}

function notFound(index: number, token: string): InputError {
  return new InputError({
    what: 'rematch',
    place: `token ${index}`,
    expected: 'the tokens of this text, in order',
    found: JSON.stringify(token),
  });
}
