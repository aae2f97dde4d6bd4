/**
 * Vocabularies that grow: new tokens with, for each, the old ids whose embedding rows are averaged into its own. The three
 * recipes of bert4keras' examples; `compoundTokens` is the keyword of the same name of `build_transformer_model`.
 * References: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/examples/basic_make_uncased_model_cased.py
 * and https://github.com/bojone/nezha_gpt_dialog (train.py).
 */

import { upper } from './text/letter-case.ts';
import { isLetter } from './text/unicode-11.ts';
import { byId, type TokenDict } from './vocabulary.ts';

/** A vocabulary with tokens that the checkpoint does not have. */
export interface GrownVocabulary {
  readonly tokenDict: TokenDict;
  /** For each new token, in the order of their ids, the ids to average. */
  readonly compoundTokens: readonly (readonly number[])[];
}

/**
 * Adds words, each starting from the rows that `rowsOf` names: those of its characters, or one row for all.
 * Words that are there already are passed over.
 *
 * ```ts
 * const grown = addWords(tokenDict, ['中国'], word => tokenizer.tokensToIds([...word]));
 * ```
 */
export function addWords(
  tokenDict: TokenDict,
  words: Iterable<string>,
  rowsOf: (word: string) => readonly number[],
): GrownVocabulary {
  const grown = new Map(tokenDict);
  const compoundTokens: (readonly number[])[] = [];
  for (const word of words) {
    if (grown.has(word)) continue;
    grown.set(word, grown.size);
    compoundTokens.push(rowsOf(word));
  }
  return { tokenDict: grown, compoundTokens };
}

/**
 * Gives a lower-case vocabulary the capitalised and the upper-case form of each word, so that a model trained on lower case
 * reads capitals: `hello` brings `Hello` and `HELLO`, `##ing` brings `##ING`, each with the row of the original.
 */
export function addCapitals(tokenDict: TokenDict): GrownVocabulary {
  const grown = new Map(tokenDict);
  const compoundTokens: number[][] = [];
  for (const [token, id] of byId(tokenDict)) {
    for (const form of capitalForms(token)) {
      if (grown.has(form)) continue;
      grown.set(form, grown.size);
      compoundTokens.push([id]);
    }
  }
  return { tokenDict: grown, compoundTokens };
}

function capitalForms(token: string): string[] {
  if (isAlphabetic(token)) {
    const [first = '', ...rest] = token;
    return [upper(first) + rest.join(''), upper(token)];
  }
  return token.startsWith('##') && isAlphabetic(token.slice(2)) ? [upper(token)] : [];
}

/** `str.isalpha`: letters only, and at least one. */
function isAlphabetic(text: string): boolean {
  return text !== '' && Array.from(text).every(character => isLetter(character.codePointAt(0) ?? 0));
}
