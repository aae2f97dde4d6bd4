/**
 * `TokenizerBase.encode` of bert4keras: one text or two, cut to a length, with segments. It is the same for every tokenizer,
 * which only says how text and tokens become ids.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { truncateSequences } from './text/sequences.ts';
import type { EncodeOptions, Encoding } from './tokenizer.ts';

/** A text, or its tokens when it has been cut already. */
export type TextOrTokens = string | readonly string[];

/** What pair encoding asks of a tokenizer. */
export interface PairRules {
  readonly tokenStart: string | null;
  readonly tokenEnd: string | null;
  /** Ids of a text, its start and end tokens included. */
  textToIds(text: string): number[];
  /** Ids of tokens as they are. */
  tokensToIds(tokens: readonly string[]): number[];
}

/**
 * Ids and segments of one text or of a pair; the second text's segment is 1. With pattern `S*E*E` the second text loses its
 * first token after the truncation, if the tokenizer has a start token that is not empty.
 * @throws InputError when `truncateFrom` names a place that a text does not have.
 */
export function encodePair(
  rules: PairRules,
  first: TextOrTokens,
  second?: TextOrTokens,
  options: EncodeOptions = {},
): Encoding {
  const isJoint = second !== undefined && (options.pattern ?? 'S*E*E') === 'S*E*E';
  let firstIds = idsOf(rules, first);
  let secondIds = second === undefined ? [] : idsOf(rules, second);
  if (options.maxLen !== undefined) {
    const limit = isJoint ? options.maxLen + 1 : options.maxLen;
    [firstIds, secondIds] = truncatePair(limit, cutIndex(rules, options.truncateFrom ?? 'right'), firstIds, secondIds);
  }
  if (isJoint && rules.tokenStart) secondIds = secondIds.slice(1);
  return {
    tokenIds: firstIds.concat(secondIds),
    segmentIds: new Array<number>(firstIds.length).fill(0).concat(new Array<number>(secondIds.length).fill(1)),
  };
}

/** Cuts one tokenized text to `maxLen`: tokens before the end token go. */
export function truncateTokens(tokens: readonly string[], tokenEnd: string | null, maxLen: number): string[] {
  return truncateSequences(maxLen, tokenEnd === null ? -1 : -2, tokens)[0] ?? [];
}

function idsOf(rules: PairRules, text: TextOrTokens): number[] {
  return typeof text === 'string' ? rules.textToIds(text) : rules.tokensToIds(text);
}

/** Empty sequences do not take part, nor do they use up one of `indices`. */
function truncatePair(
  limit: number,
  indices: number | readonly number[],
  first: number[],
  second: number[],
): [number[], number[]] {
  const [kept = [], other = []] = truncateSequences(limit, indices, first, second);
  return first.length === 0 ? [[], kept] : [kept, other];
}

function cutIndex(rules: PairRules, from: 'right' | 'left' | number | readonly number[]): number | readonly number[] {
  if (from === 'right') return rules.tokenEnd === null ? -1 : -2;
  if (from === 'left') return rules.tokenStart === null ? 0 : 1;
  return from;
}
