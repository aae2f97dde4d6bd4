/**
 * What every search shares: the options that bound it, and one step of it, from hypotheses to rows of scores that have
 * passed the processors.
 */
import { InputError, throwIfAborted } from '../core/errors.ts';
import { type LogitsProcessor, processRow } from './logits-processor.ts';
import { checkInteger, checkPositive } from './option-checks.ts';
import type { Hypothesis, ScoreArray, StepScorer } from './scorer.ts';
import type { StepListener } from './step-events.ts';

/** Options that every search takes. */
export interface SearchOptions {
  /** The token that ends a sequence. */
  readonly endId: number;
  /** Most decoding steps (generated tokens), the end token included; at least 1. */
  readonly maxLen: number;
  /**
   * A token that results begin with, or null (default) for none. It counts for `minLen` and, when it equals `endId`, as
   * an end. The scorer must already see it as part of its prompt.
   */
  readonly startId?: number | null | undefined;
  /** Fewest tokens, the start token included, before an end token can end a sequence; below it, it is an ordinary token. */
  readonly minLen?: number | undefined;
  /** How many end tokens a sequence must hold before it may end on one. Default 1. */
  readonly minEnds?: number | undefined;
  /** Divides logits; for probabilities p^(1/T), renormalised. Above 0; default 1. */
  readonly temperature?: number | undefined;
  /** Applied to each row, in order, before the temperature. */
  readonly processors?: readonly LogitsProcessor[] | undefined;
  /** Ids of the prompt, for processors that count it in. */
  readonly promptTokenIds?: readonly number[] | undefined;
  /** Checked before and after every step. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of newly decided tokens as soon as they can't change any more. */
  readonly onStep?: StepListener | undefined;
}

/** The options with every default filled in. */
export interface SearchPlan extends Required<Omit<SearchOptions, 'signal' | 'onStep'>> {
  readonly startId: number | null;
  readonly minLen: number;
  readonly minEnds: number;
  readonly temperature: number;
  readonly processors: readonly LogitsProcessor[];
  readonly promptTokenIds: readonly number[];
  readonly signal: AbortSignal | undefined;
  readonly onStep: StepListener | undefined;
}

/** Fills in defaults. @throws ConfigError for a value out of range. */
export function planSearch(options: SearchOptions): SearchPlan {
  const plan = {
    endId: options.endId,
    maxLen: options.maxLen,
    startId: options.startId ?? null,
    minLen: options.minLen ?? 1,
    minEnds: options.minEnds ?? 1,
    temperature: options.temperature ?? 1,
    processors: options.processors ?? [],
    promptTokenIds: options.promptTokenIds ?? [],
    signal: options.signal,
    onStep: options.onStep,
  };
  checkInteger('endId', plan.endId, 0);
  checkInteger('maxLen', plan.maxLen, 1);
  if (plan.startId !== null) checkInteger('startId', plan.startId, 0);
  checkInteger('minLen', plan.minLen, 0);
  checkInteger('minEnds', plan.minEnds, 0);
  checkPositive('temperature', plan.temperature);
  return plan;
}

/**
 * Scores of the next token, one view of V values per hypothesis, after the processors.
 * @throws AbortedError when the signal is aborted; InputError when the scorer returns another number of scores.
 */
export async function scoreStep(
  scorer: StepScorer,
  hypotheses: readonly Hypothesis[],
  plan: SearchPlan,
  step: number,
): Promise<readonly ScoreArray[]> {
  throwIfAborted(plan.signal, `decoding, step ${step}`);
  const scores = await scorer.score(hypotheses, plan.signal);
  throwIfAborted(plan.signal, `decoding, step ${step}`);
  const rows = splitRows(scores, hypotheses.length, scorer.vocabSize, step);
  if (plan.processors.length > 0) {
    const context = { step, promptTokenIds: plan.promptTokenIds };
    hypotheses.forEach((hypothesis, index) => {
      const row = rows[index];
      if (row === undefined) return;
      processRow(row, scorer.kind, values => {
        for (const process of plan.processors) process(values, hypothesis, context);
      });
    });
  }
  return rows;
}

/** One view of `vocabSize` values per row. @throws InputError when there are more or fewer scores than that. */
export function splitRows(scores: ScoreArray, rows: number, vocabSize: number, step: number): readonly ScoreArray[] {
  if (scores.length !== rows * vocabSize) {
    throw new InputError({
      what: 'number of scores',
      place: `step ${step}`,
      expected: `${rows} x ${vocabSize}`,
      found: String(scores.length),
    });
  }
  return Array.from({ length: rows }, (_, row) => scores.subarray(row * vocabSize, (row + 1) * vocabSize));
}

/** How an error names a row. */
export function rowPlace(step: number, row: number): string {
  return `step ${step}, row ${row}`;
}
