/**
 * bert4keras' `SpTokenizer`: text ⇄ ids over a SentencePiece model, with start and end tokens, words cut beforehand and
 * translated tokens. Ids are looked up by the tokens' text, as in the reference, so a token that is no piece is unknown.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { ConfigError } from '../../core/errors.ts';
import { encodePair, type PairRules, truncateTokens } from '../pair-encoding.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { SentencePiece } from './sentence-piece.ts';

/** Options of bert4keras' `SpTokenizer`, with its defaults. */
export interface SpTokenizerOptions {
  /** Token put before every text, `[CLS]` unless given; null for none. */
  readonly tokenStart?: string | null;
  /** Token put after every text, `[SEP]` unless given; null for none. */
  readonly tokenEnd?: string | null;
  /** Cuts the text into words, which are joined by blanks. */
  readonly preTokenize?: (text: string) => Iterable<string>;
  /** Token → token, applied after cutting and back before decoding; a translation to '' is ignored. */
  readonly tokenTranslate?: Readonly<Record<string, string>>;
}

/** A tokenizer over a SentencePiece model. */
export interface SpTokenizer extends Tokenizer {
  readonly model: SentencePiece;
  readonly tokenPadId: number;
  readonly tokenUnkId: number;
  /** Token of an id, '' beyond the vocabulary. @throws InputError for an id that is no whole number from 0. */
  idToToken(id: number): string;
}

/**
 * A tokenizer over a loaded model. A start, end or mask token that is no piece of the model has the unknown id.
 * @throws {@link ConfigError} when the model has no padding piece, which the reference needs too.
 *
 * ```ts
 * const tokenizer = createSpTokenizer(createSentencePiece(bytes), { tokenStart: null, tokenEnd: null });
 * tokenizer.decode(tokenizer.encode('今天天气不错').tokenIds); // '今天天气不错'
 * ```
 */
export function createSpTokenizer(model: SentencePiece, options: SpTokenizerOptions = {}): SpTokenizer {
  const { tokenStart = '[CLS]', tokenEnd = '[SEP]', preTokenize } = options;
  const translations = Object.entries(options.tokenTranslate ?? {});
  const translate = new Map(translations);
  const translateBack = new Map(translations.map(([from, to]) => [to, from]));
  if (model.padId < 0) throw noPadding();

  const tokensOf = (text: string): string[] => {
    const words = preTokenize === undefined ? text : [...preTokenize(text)].join(' ');
    const tokens = model.encodeAsPieces(words).map(token => translate.get(token) || token);
    if (tokenStart !== null) tokens.unshift(tokenStart);
    if (tokenEnd !== null) tokens.push(tokenEnd);
    return tokens;
  };
  const tokensToIds = (tokens: readonly string[]): number[] => tokens.map(model.pieceToId);
  const idToToken = (id: number): string => (id >= model.vocabSize ? '' : model.idToPiece(id));
  const rules: PairRules = { tokenStart, tokenEnd, tokensToIds, textToIds: text => tokensToIds(tokensOf(text)) };

  return {
    model,
    vocabSize: model.vocabSize,
    tokenStartId: tokenStart === null ? undefined : model.pieceToId(tokenStart),
    tokenEndId: tokenEnd === null ? undefined : model.pieceToId(tokenEnd),
    tokenMaskId: model.pieceToId('[MASK]'),
    tokenPadId: model.padId,
    tokenUnkId: model.unkId,
    tokenize: (text, maxLen) =>
      maxLen === undefined ? tokensOf(text) : truncateTokens(tokensOf(text), tokenEnd, maxLen),
    tokenToId: model.pieceToId,
    idToToken,
    encode: (first, second, encodeOptions) => encodePair(rules, first, second, encodeOptions),
    decode: ids => model.decodePieces(ids.map(idToToken).map(token => translateBack.get(token) || token)),
  };
}

function noPadding(): ConfigError {
  return new ConfigError({
    what: 'SentencePiece model',
    expected: 'a control piece <pad>',
    found: 'none',
    next: 'Use createSentencePiece without a tokenizer around it.',
  });
}
