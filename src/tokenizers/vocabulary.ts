/**
 * Vocabularies as bert4keras' `load_vocab` and `save_vocab` read and write them: one token a line, in order; and the
 * simplification that drops the tokens which tokenizing can never give.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { InputError } from '../core/errors.ts';
import { isCjkCharacter, isPunctuation } from './text/character-class.ts';
import { codePointLength, fileLines, split, strip } from './text/python-string.ts';
import { decodeUtf8 } from './text/utf-8.ts';

/** Token → id, in the order of a Python dict. Ids can repeat: see {@link loadVocab}. */
export type TokenDict = ReadonlyMap<string, number>;

/** A vocabulary as read. */
export interface Vocabulary {
  readonly tokenDict: TokenDict;
  /** Simplified vocabularies only: for each new id the old one, so the rows of the token embedding to keep. */
  readonly keepTokens?: readonly number[];
}

/** How {@link loadVocab} reads. */
export interface LoadVocabOptions {
  /** Drop tokens that tokenizing can never give, and number the others anew. */
  readonly simplified?: boolean;
  /** Tokens that come first in a simplified vocabulary, kept whatever they are. */
  readonly startsWith?: readonly string[];
}

/**
 * Reads a `vocab.txt`: of each line the first word, or nothing from a blank line. A token given twice keeps its place but
 * takes the number of tokens so far as its id, which the next new token gets too, as in bert4keras.
 * @param file - the file's bytes (UTF-8; a byte order mark stays part of the first token, as in Python) or its text.
 * @throws FormatError when the bytes aren't UTF-8; InputError when a token of `startsWith` is not in the vocabulary.
 *
 * ```ts
 * const { tokenDict, keepTokens } = loadVocab(bytes, { simplified: true, startsWith: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'] });
 * ```
 */
export function loadVocab(file: string | Uint8Array, options: LoadVocabOptions = {}): Vocabulary {
  const tokenDict = new Map<string, number>();
  for (const line of fileLines(typeof file === 'string' ? file : decodeUtf8(file, 'vocabulary'))) {
    tokenDict.set(split(line)[0] ?? strip(line), tokenDict.size);
  }
  return options.simplified ? simplifyVocab(tokenDict, options.startsWith) : { tokenDict };
}

/**
 * Keeps `startsWith`, in that order, then by old id every token that is not redundant.
 * @throws InputError when a token of `startsWith` is not in the vocabulary.
 */
export function simplifyVocab(tokenDict: TokenDict, startsWith: readonly string[] = []): Required<Vocabulary> {
  const simplified = new Map<string, number>();
  const keepTokens: number[] = [];
  for (const token of startsWith) {
    const id = tokenDict.get(token);
    if (id === undefined) {
      throw new InputError({ what: 'startsWith', expected: 'tokens of the vocabulary', found: JSON.stringify(token) });
    }
    simplified.set(token, simplified.size);
    keepTokens.push(id);
  }
  for (const [token, id] of byId(tokenDict)) {
    if (simplified.has(token) || isRedundant(token)) continue;
    simplified.set(token, simplified.size);
    keepTokens.push(id);
  }
  return { tokenDict: simplified, keepTokens };
}

/** The text of a `vocab.txt`: tokens by id, one a line. */
export function saveVocab(tokenDict: TokenDict): string {
  return byId(tokenDict)
    .map(([token]) => `${token}\n`)
    .join('');
}

/** `Tokenizer.stem`: the token without the `##` of a continuation. */
export function stem(token: string): string {
  return token.startsWith('##') ? token.slice(2) : token;
}

/** Entries by id; of equal ids in the dict's order. */
export function byId(tokenDict: TokenDict): [string, number][] {
  return [...tokenDict].sort(([, first], [, second]) => first - second);
}

/** `Tokenizer._is_redundant`: longer than one character, and holding one that is always a word of its own. */
function isRedundant(token: string): boolean {
  if (codePointLength(token) <= 1) return false;
  return Array.from(stem(token)).some(character => {
    const codePoint = character.codePointAt(0) ?? 0;
    return isCjkCharacter(codePoint) || isPunctuation(codePoint);
  });
}
