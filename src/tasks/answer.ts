/**
 * What reading comprehension takes and gives, whichever way the model reads.
 */
import { InputError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { ScoredAnswer } from '../decode/pool.ts';
import type { FirstVote } from '../decode/vote.ts';
import type { RunCounts } from '../generation/run-counts.ts';
import type { StrategyChoice } from '../generation/strategy.ts';
import { createSettingsReader, oneOf, type SettingChecks, wholeNumber } from './setting-checks.ts';

/** How long texts may be, in tokens, and how seq2seq models search. */
export interface AnswerSettings {
  /** Passage with its special tokens. Default 256. */
  readonly maxPassageLen: number;
  /** Question with its end token. Default 64. */
  readonly maxQuestionLen: number;
  /** Answer with its end token. Default 32. */
  readonly maxAnswerLen: number;
  /** `extractive`: spans of the passages only; `generative`: anything. For seq2seq models. Default extractive. */
  readonly mode: 'extractive' | 'generative';
  /** Beams, for seq2seq models. Default 1. */
  readonly topK: number;
}

/** Options of one call; they replace settings. */
export interface AnswerOptions extends Partial<AnswerSettings> {
  readonly signal?: AbortSignal | undefined;
}

/** Where an answer stands: `passages[passage].slice(start, end)`. */
export interface AnswerSpan {
  readonly passage: number;
  readonly start: number;
  readonly end: number;
}

interface AnswerBase {
  /** Empty when no passage answers. */
  readonly answer: string;
  /** The chosen ids, the end token included unless the length limit came first. */
  readonly tokenIds: readonly number[];
  readonly score: number;
  /** Every place where the answer stands in a passage that had a part in it. */
  readonly spans: readonly AnswerSpan[];
}

/** The answer of a seq2seq model; `score` is the sum of log(merged value + 1e-12). */
export interface Seq2SeqAnswer extends AnswerBase {
  readonly kind: 'seq2seq';
  /** Merged value of each token: Σp² / (Σp + 1) over the passages. */
  readonly values: readonly number[];
  /** What each passage said first, and whether it was kept. */
  readonly passages: readonly (FirstVote & { readonly kept: boolean })[];
}

/** What a masked model read in one passage; `score` is the mean of `probabilities`. */
export interface PassageAnswer extends ScoredAnswer {
  readonly tokenIds: readonly number[];
  readonly probabilities: readonly number[];
}

/** The answer of a masked model; `score` is Σs² / (Σs + 1) over the passages that gave it, 0 without one. */
export interface MlmAnswer extends AnswerBase {
  readonly kind: 'mlm';
  readonly passages: readonly PassageAnswer[];
  /** All answers with their pooled scores, best first. */
  readonly ranking: readonly ScoredAnswer[];
}

/** An answer with what led to it. */
export type Answer = Seq2SeqAnswer | MlmAnswer;

/** Answers questions over passages. */
export interface ReadingComprehension<A extends Answer = Answer> {
  /**
   * Answers one question. Several calls at once are computed together.
   * @throws InputError without passages or with texts the model can't take; ConfigError for options that are out of range
   * or do not apply; SessionError; AbortedError.
   */
  answer(question: string, passages: readonly string[], options?: AnswerOptions): Promise<A>;
  /** What has been computed so far. */
  readonly counts: RunCounts;
  /** How steps are computed, and why; absent where answers are not written step by step. */
  readonly strategy?: StrategyChoice;
}

/** bert4keras' example scripts. */
const DEFAULTS: AnswerSettings = {
  maxPassageLen: 256,
  maxQuestionLen: 64,
  maxAnswerLen: 32,
  mode: 'extractive',
  topK: 1,
};

/** The shortest lengths leave room for one token of text beside the special ones. */
const LENGTHS: SettingChecks = {
  maxPassageLen: wholeNumber(3),
  maxQuestionLen: wholeNumber(2),
  maxAnswerLen: wholeNumber(1),
};
const SEARCH: SettingChecks = { mode: oneOf('extractive', 'generative'), topK: wholeNumber(1) };

/**
 * Reads `tasks.answer` of a manifest and options of calls over the defaults. A masked reader searches nothing: it refuses
 * `mode` and `topK`.
 */
export function readerSettings(manifest: Manifest, kind: Answer['kind']): (options: AnswerOptions) => AnswerSettings {
  const checks = kind === 'seq2seq' ? { ...LENGTHS, ...SEARCH } : LENGTHS;
  const read = createSettingsReader(manifest, { task: 'answer', checks, defaults: DEFAULTS });
  return ({ signal: _, ...options }) => read(options);
}

/** @throws InputError when there is no passage. */
export function requirePassages(passages: readonly string[]): void {
  if (passages.length > 0) return;
  throw new InputError({ what: 'passages', expected: 'at least one', found: 'an empty list' });
}

/** The commas of bert4keras' scripts: ' ', '、', '；' and '，' become ','. Every character stays in its place. */
export function normalizePassage(passage: string): string {
  return passage.replace(/[ 、；，]/g, ',');
}
