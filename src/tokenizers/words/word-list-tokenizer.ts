/**
 * Words that were cut beforehand, looked up in a list: the cloze model of bojone/CCL_CMRC2017 reads its text so. Words stand
 * between runs of blanks and line ends; nothing else separates, and no letter is changed.
 */
import { InputError } from '../../core/errors.ts';
import { encodePair, type PairRules, truncateTokens } from '../pair-encoding.ts';
import { decodeUtf8 } from '../text/utf-8.ts';
import type { Tokenizer } from '../tokenizer.ts';

/** Id of every word that the list does not have, and of padding. */
const unknownId = 0;

/** What the unknown word reads as: the original answers with a blank. */
const unknownWord = ' ';

/**
 * A tokenizer over words with the ids 1, 2, 3, …; id 0 is unknown and padding. `tokenize` keeps the empty word that a
 * blank at the beginning or the end of the text gives; it is unknown. There is no start, end or mask token.
 *
 * ```ts
 * createWordListTokenizer(['老虎', '狐狸']).encode('狐狸 遇见 老虎').tokenIds; // [2, 0, 1]
 * ```
 */
export function createWordListTokenizer(words: readonly string[]): Tokenizer {
  const ids = new Map(words.map((word, index) => [word, index + 1]));
  const tokenize = (text: string): string[] => text.split(/[ \n]+/);
  const tokenToId = (word: string): number => ids.get(word) ?? unknownId;
  const idToToken = (id: number): string => (id === unknownId ? unknownWord : (words[id - 1] ?? noSuchId(id)));
  const rules: PairRules = {
    tokenStart: null,
    tokenEnd: null,
    textToIds: text => tokenize(text).map(tokenToId),
    tokensToIds: tokens => tokens.map(tokenToId),
  };
  return {
    vocabSize: words.length + 1,
    tokenStartId: undefined,
    tokenEndId: undefined,
    tokenMaskId: undefined,
    tokenPadId: unknownId,
    tokenUnkId: unknownId,
    tokenize: (text, maxLen) => (maxLen === undefined ? tokenize(text) : truncateTokens(tokenize(text), null, maxLen)),
    tokenToId,
    idToToken,
    encode: (first, second, options) => encodePair(rules, first, second, options),
    decode: tokenIds => tokenIds.map(idToToken).join(' '),
  };
}

/**
 * Reads a list of words: one a line, line ends `\n` only, the first with id 1.
 * @throws FormatError when the bytes are not UTF-8.
 */
export function parseWordList(bytes: Uint8Array, file: string): string[] {
  const words = decodeUtf8(bytes, file).split('\n');
  if (words.at(-1) === '') words.pop();
  return words;
}

/** The text of a list of words, as {@link parseWordList} reads it. @throws InputError for a word with a line end. */
export function writeWordList(words: readonly string[]): string {
  const broken = words.find(word => word.includes('\n'));
  if (broken !== undefined) {
    throw new InputError({ what: 'word list', expected: 'words without line ends', found: JSON.stringify(broken) });
  }
  return words.map(word => `${word}\n`).join('');
}

function noSuchId(id: number): never {
  throw new InputError({ what: 'word id', expected: 'an id of the list', found: String(id) });
}
