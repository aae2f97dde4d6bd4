/**
 * Dialogues as ids. Two layouts are in use: each turn ends with `[SEP]` and segments alternate 0, 1 (bojone's
 * nezha_gpt_dialog), or a token of the speaker precedes each turn, is its segment id too, and the token of whoever answers
 * closes the prompt (CDial-GPT).
 *
 * https://github.com/bojone/nezha_gpt_dialog, https://github.com/bojone/CDial-GPT-tf
 */
import { InputError } from '../core/errors.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import { knownToken } from './decoding-settings.ts';
import { requireId } from './special-ids.ts';
import type { Prompt } from './text-generation.ts';

/** Tokens that stand for the two sides, the first turn's first; null for alternating segments. */
export type Speakers = readonly [string, string] | null;

/** How the turns of one model become a prompt. */
export interface HistoryLayout {
  /** Ids of one turn's text, as they stand in a prompt. */
  encodeTurn(text: string): readonly number[];
  /** The prompt over turns, oldest first; a reply of the other side comes next. */
  layOut(turns: readonly (readonly number[])[]): Prompt;
}

/** A prompt and what was left out of it. */
export interface FittedHistory {
  readonly prompt: Prompt;
  /** Number of oldest turns that were left out. */
  readonly droppedTurns: number;
}

/** How long a prompt may be. */
export interface PromptLimits {
  /** Most tokens wanted: older turns are dropped for it. */
  readonly wanted: number;
  /** Most tokens of a prompt that can't be made shorter by dropping. */
  readonly possible: number;
}

/** @throws ConfigError when the vocabulary lacks a token of the layout. */
export function createHistoryLayout(tokenizer: Tokenizer, speakers: Speakers): HistoryLayout {
  const startId = requireId(tokenizer.tokenStartId, 'start');
  requireId(tokenizer.tokenEndId, 'end');
  if (speakers === null) return alternatingSegments(tokenizer, startId);
  const [first, second] = speakers.map(token => knownToken(tokenizer, 'speakers', token));
  return speakerTokens(tokenizer, startId, [first ?? 0, second ?? 0]);
}

/**
 * The prompt over the latest turns that fit; the oldest are dropped whole. The dialogue is laid out as if it began with
 * the first turn that is kept.
 * @throws InputError when the history is empty, or its last turn alone is too long.
 */
export function fitHistory(layout: HistoryLayout, history: readonly string[], limits: PromptLimits): FittedHistory {
  if (history.length === 0) throw new InputError({ what: 'history', expected: 'at least one turn', found: 'none' });
  const turns = history.map(text => layout.encodeTurn(text));
  let droppedTurns = 0;
  let prompt = layout.layOut(turns);
  while (prompt.tokenIds.length > limits.wanted && droppedTurns < turns.length - 1) {
    droppedTurns++;
    prompt = layout.layOut(turns.slice(droppedTurns));
  }
  if (prompt.tokenIds.length <= limits.possible) return { prompt, droppedTurns };
  throw new InputError({
    what: 'last turn of the history',
    expected: `a prompt of at most ${limits.possible} tokens`,
    found: `${prompt.tokenIds.length} tokens`,
    next: 'Shorten it.',
  });
}

/** `[CLS] u1 [SEP] u2 [SEP] …`, segments 0 (with `[CLS]`), 1, 0, …; the reply has the other segment than the last turn. */
function alternatingSegments(tokenizer: Tokenizer, startId: number): HistoryLayout {
  return {
    encodeTurn: text => tokenizer.encode(text).tokenIds.slice(1),
    layOut: turns => ({
      tokenIds: [startId, ...turns.flat()],
      segmentIds: [0, ...turns.flatMap((ids, turn) => ids.map(() => turn % 2))],
      segmentId: turns.length % 2,
    }),
  };
}

/** `[CLS] [speaker1] u1 [speaker2] u2 [speaker1] …`; `[CLS]` is its own segment id, the reply has its speaker's. */
function speakerTokens(tokenizer: Tokenizer, startId: number, speakers: readonly [number, number]): HistoryLayout {
  const speakerOf = (turn: number): number => speakers[turn % 2 === 0 ? 0 : 1];
  return {
    encodeTurn: text => tokenizer.encode(text).tokenIds.slice(1, -1),
    layOut: turns => ({
      tokenIds: [startId, ...turns.flatMap((ids, turn) => [speakerOf(turn), ...ids]), speakerOf(turns.length)],
      segmentIds: [
        startId,
        ...turns.flatMap((ids, turn) => [speakerOf(turn), ...ids.map(() => speakerOf(turn))]),
        speakerOf(turns.length),
      ],
      segmentId: speakerOf(turns.length),
    }),
  };
}
