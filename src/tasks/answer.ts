/**
 * What reading comprehension takes and gives, whichever way the model reads.
 */
import { ConfigError, InputError } from '../core/errors.ts';
import type { Json } from '../core/manifest.ts';
import type { ScoredAnswer } from '../decode/pool.ts';
import type { FirstVote } from '../decode/vote.ts';
import { checkSettings, number, oneOf, type SettingChecks } from './setting-checks.ts';

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
}

/** bert4keras' example scripts. */
const DEFAULTS: AnswerSettings = {
  maxPassageLen: 256,
  maxQuestionLen: 64,
  maxAnswerLen: 32,
  mode: 'extractive',
  topK: 1,
};

const LENGTHS: SettingChecks = { maxPassageLen: number, maxQuestionLen: number, maxAnswerLen: number };
const SEARCH: SettingChecks = { mode: oneOf('extractive', 'generative'), topK: number };

/** Shortest lengths that leave room for one token of text beside the special ones. */
const SHORTEST = { maxPassageLen: 3, maxQuestionLen: 2, maxAnswerLen: 1, topK: 1 };

/** Reads settings of a manifest and options of calls over the defaults. */
export function createSettingsReader(
  manifestTasks: Readonly<Record<string, Readonly<Record<string, Json>>>>,
  kind: Answer['kind'],
): (options: AnswerOptions) => AnswerSettings {
  const checks = kind === 'seq2seq' ? { ...LENGTHS, ...SEARCH } : LENGTHS;
  const stored = manifestTasks['answer'] ?? {};
  checkSettings(stored, checks, 'tasks.answer of bert4ort.json');
  return ({ signal: _, ...options }) => {
    checkSettings(options, checks, `options of a ${kind} reader`);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const settings: AnswerSettings = { ...DEFAULTS, ...stored, ...Object.fromEntries(given) };
    for (const key of ['maxPassageLen', 'maxQuestionLen', 'maxAnswerLen', 'topK'] as const) {
      if (Number.isInteger(settings[key]) && settings[key] >= SHORTEST[key]) continue;
      const expected = `a whole number from ${SHORTEST[key]} up`;
      throw new ConfigError({ what: `setting ${key}`, expected, found: String(settings[key]) });
    }
    return settings;
  };
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
