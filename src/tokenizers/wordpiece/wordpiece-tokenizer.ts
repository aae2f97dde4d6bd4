/**
 * bert4keras' `Tokenizer`: text ⇄ ids over a WordPiece vocabulary, exactly as the reference does it on Python 3.7.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { InputError } from '../../core/errors.ts';
import { encodePair, type PairRules, truncateTokens } from '../pair-encoding.ts';
import { fold } from '../text/character-class.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { TokenDict } from '../vocabulary.ts';
import { decodeTokens } from './decode-tokens.ts';
import { rematchTokens } from './rematch.ts';
import { createWordCutter, type Pieces, type WordCutter } from './word-cutter.ts';

/** Options of bert4keras' `Tokenizer`, with its defaults. */
export interface WordPieceOptions {
  /** Lower-case and strip accents first. Default false. */
  readonly doLowerCase?: boolean;
  /** A word of more code points is not cut: it is one token, unknown unless the vocabulary has it. Default 200. */
  readonly wordMaxLen?: number;
  /** Token put before every text, `[CLS]` unless given; null for none. */
  readonly tokenStart?: string | null;
  /** Token put after every text, `[SEP]` unless given; null for none. */
  readonly tokenEnd?: string | null;
  /** Cuts the (lower-cased) text into words; one that the vocabulary has is a token as it is. */
  readonly preTokenize?: (text: string) => Iterable<string>;
  /** Token → token, applied last; a translation to the empty string is ignored. */
  readonly tokenTranslate?: Readonly<Record<string, string>>;
}

/** A tokenizer over a WordPiece vocabulary. */
export interface WordPieceTokenizer extends Tokenizer {
  readonly tokenDict: TokenDict;
  /** @throws InputError when the vocabulary has no `[UNK]`, as the reference does. */
  tokensToIds(tokens: readonly string[]): number[];
  /** @throws InputError when an id is not in the vocabulary. */
  idsToTokens(ids: readonly number[]): string[];
  /** Text of `ids`, or of `tokens` when some are given. @throws InputError for ids that are not in the vocabulary. */
  decode(ids: readonly number[], tokens?: readonly string[]): string;
  /** For each token of `tokenize(text)` the indices of its characters, in code points; see docs/tokenizers.md. */
  rematch(text: string, tokens: readonly string[]): number[][];
}

/**
 * A tokenizer over a vocabulary from {@link loadVocab}. Special tokens that the vocabulary lacks have no id (undefined).
 *
 * ```ts
 * const tokenizer = createWordPieceTokenizer(loadVocab(vocabText).tokenDict, { doLowerCase: true });
 * const { tokenIds, segmentIds } = tokenizer.encode('今天天气不错', undefined, { maxLen: 128 });
 * ```
 */
export function createWordPieceTokenizer(tokenDict: TokenDict, options: WordPieceOptions = {}): WordPieceTokenizer {
  const { tokenStart = '[CLS]', tokenEnd = '[SEP]', doLowerCase = false } = options;
  const translations = new Map(Object.entries(options.tokenTranslate ?? {}));
  const tokenOfId = new Map([...tokenDict].map(([token, id]) => [id, token]));
  const tokenUnkId = tokenDict.get('[UNK]');
  const cutter = createTextCutter([...tokenDict.keys()], options);
  const idAt = [...tokenDict.values()];

  const textTokens = (text: string): string[] => {
    const tokens = cutter.tokens(text).map(token => translations.get(token) || token);
    if (tokenStart !== null) tokens.unshift(tokenStart);
    if (tokenEnd !== null) tokens.push(tokenEnd);
    return tokens;
  };
  // The reference asks for the id of [UNK] even where it is not needed, so without one there are no ids at all.
  const tokenToId = (token: string): number => {
    const unk = tokenUnkId ?? missingUnk();
    return tokenDict.get(token) ?? unk;
  };
  const idToToken = (id: number): string => tokenOfId.get(id) ?? unknownId(id);
  const tokensToIds = (tokens: readonly string[]): number[] => tokens.map(tokenToId);

  /** What `tokensToIds(tokenize(text))` gives, without making the tokens. */
  const textToIds = (text: string): number[] => {
    if (translations.size > 0) return tokensToIds(textTokens(text));
    const unk = tokenUnkId ?? missingUnk();
    const ids = cutter.positions(text);
    for (let at = 0; at < ids.length; at++) {
      const position = ids[at] as number;
      ids[at] = position >= 0 ? (idAt[position] as number) : unk;
    }
    if (tokenStart !== null) ids.unshift(tokenToId(tokenStart));
    if (tokenEnd !== null) ids.push(tokenToId(tokenEnd));
    return ids;
  };
  const rules: PairRules = { tokenStart, tokenEnd, textToIds, tokensToIds };

  return {
    tokenDict,
    vocabSize: tokenDict.size,
    tokenStartId: tokenStart === null ? undefined : tokenDict.get(tokenStart),
    tokenEndId: tokenEnd === null ? undefined : tokenDict.get(tokenEnd),
    tokenMaskId: tokenDict.get('[MASK]'),
    tokenPadId: tokenDict.get('[PAD]'),
    tokenUnkId,
    tokenize: (text, maxLen) =>
      maxLen === undefined ? textTokens(text) : truncateTokens(textTokens(text), tokenEnd, maxLen),
    tokenToId,
    idToToken,
    tokensToIds,
    idsToTokens: ids => ids.map(idToToken),
    encode: (first, second, encodeOptions) => encodePair(rules, first, second, encodeOptions),
    decode: (ids, tokens = []) => decodeTokens(tokens.length > 0 ? tokens : ids.map(idToToken)),
    rematch: (text, tokens) => rematchTokens(text, tokens, doLowerCase),
  };
}

/** The part between text and tokens: lower-casing, words cut beforehand, WordPiece. */
interface TextCutter {
  tokens(text: string): string[];
  /** Positions in the vocabulary, negative for a token that it doesn't have. */
  positions(text: string): number[];
}

function createTextCutter(tokens: readonly string[], options: WordPieceOptions): TextCutter {
  const { doLowerCase = false, wordMaxLen = 200, preTokenize } = options;
  const cutter = createWordCutter(tokens, wordMaxLen);
  const prepare = doLowerCase ? fold : (text: string): string => text;

  const cut = (given: string): Pieces => {
    const into: Pieces = { positions: [], unknown: [] };
    const text = prepare(given);
    if (preTokenize === undefined) cutter.cut(text, into);
    else for (const word of preTokenize(text)) cutPrepared(cutter, word, prepare, into);
    return into;
  };
  return {
    positions: text => cut(text).positions,
    tokens: text => {
      const { positions, unknown } = cut(text);
      return positions.map(position => (position >= 0 ? tokens[position] : unknown[~position]) as string);
    },
  };
}

function cutPrepared(cutter: WordCutter, word: string, prepare: (text: string) => string, into: Pieces): void {
  const position = cutter.positionOf(word);
  if (position >= 0) into.positions.push(position);
  else cutter.cut(prepare(word), into);
}

function unknownId(id: number): never {
  throw new InputError({ what: 'token id', expected: 'an id of the vocabulary', found: String(id) });
}

function missingUnk(): never {
  throw new InputError({
    what: 'vocabulary',
    expected: '[UNK], which ids of tokens need',
    found: 'none',
    next: 'Add a line [UNK] to vocab.txt.',
  });
}
