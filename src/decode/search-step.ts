/**
 * What every search shares: the options that bound it, and one step of it, from hypotheses to rows of scores that have
 * passed the processors.
 */
import { InputError, throwIfAborted } from '../core/errors.ts';
import { type LogitsProcessor, type ProcessorContext, processRow } from './logits-processor.ts';
import { checkInteger, checkPositive } from './option-checks.ts';
import type { Hypothesis, ScoreArray, StepScorer } from './scorer.ts';
import type { StepListener } from './step-events.ts';
import type { ScoredRow } from './top-row.ts';

/** Options that every search takes. */
export interface SearchRequest {
  /** The token that ends a sequence. */
  readonly endId: number;
  /** Most decoding steps (generated tokens), the end token included; at least 1. */
  readonly maxLen: number;
  /** Applied to each row, in order, before anything else. */
  readonly processors?: readonly LogitsProcessor[] | undefined;
  /** Ids of the prompt, for processors that count it in. */
  readonly promptTokenIds?: readonly number[] | undefined;
  /** Checked before and after every step. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of newly decided tokens as soon as they can't change any more. */
  readonly onStep?: StepListener | undefined;
}

/** When a sequence may end, and at which temperature: the options of bert4keras' decoder. */
export interface EndingRules {
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
}

/** Options of the searches with bert4keras' rules. */
export interface SearchOptions extends SearchRequest, EndingRules {}

/** A request with every default filled in. */
export interface RequestPlan extends SearchRequest {
  readonly processors: readonly LogitsProcessor[];
  readonly promptTokenIds: readonly number[];
}

/** Options with every default filled in. */
export interface SearchPlan extends RequestPlan {
  readonly startId: number | null;
  readonly minLen: number;
  readonly minEnds: number;
  readonly temperature: number;
}

/** Fills in a request's defaults. @throws ConfigError for a value out of range. */
export function planRequest(request: SearchRequest): RequestPlan {
  checkInteger('endId', request.endId, 0);
  checkInteger('maxLen', request.maxLen, 1);
  const { endId, maxLen, signal, onStep } = request;
  const processors = request.processors ?? [];
  return { endId, maxLen, signal, onStep, processors, promptTokenIds: request.promptTokenIds ?? [] };
}

/** Fills in defaults. @throws ConfigError for a value out of range. */
export function planSearch(options: SearchOptions): SearchPlan {
  const { startId = null, minLen = 1, minEnds = 1, temperature = 1 } = options;
  if (startId !== null) checkInteger('startId', startId, 0);
  checkInteger('minLen', minLen, 0);
  checkInteger('minEnds', minEnds, 0);
  checkPositive('temperature', temperature);
  return { ...planRequest(options), startId, minLen, minEnds, temperature };
}

/** Which step it is, and how many of the likeliest tokens of a row it needs at temperature 1, if not all. */
export interface StepNeeds {
  readonly step: number;
  readonly topK?: number | undefined;
}

/**
 * Scores of the next token as the scorer gives them, one row per hypothesis: a view of V values, or the `topK` likeliest.
 * @throws AbortedError when the signal is aborted; InputError when the scorer returns another number of scores.
 */
export async function scoreRows(
  scorer: StepScorer,
  hypotheses: readonly Hypothesis[],
  plan: RequestPlan,
  { step, topK }: StepNeeds,
): Promise<readonly ScoredRow[]> {
  throwIfAborted(plan.signal, `decoding, step ${step}`);
  const scores = await scorer.score(hypotheses, plan.signal, topK);
  throwIfAborted(plan.signal, `decoding, step ${step}`);
  return 'buffer' in scores ? splitRows(scores, hypotheses.length, scorer.vocabSize, step) : scores;
}

/** As {@link scoreRows}, after the processors, which see whole rows; so does a temperature that changes their sums. */
export async function scoreStep(
  scorer: StepScorer,
  hypotheses: readonly Hypothesis[],
  plan: SearchPlan,
  { step, topK }: StepNeeds,
): Promise<readonly ScoredRow[]> {
  const isChanged = plan.processors.length > 0 || plan.temperature !== 1;
  const rows = await scoreRows(scorer, hypotheses, plan, { step, topK: isChanged ? undefined : topK });
  if (plan.processors.length === 0) return rows;
  const context = contextOf(plan, step);
  hypotheses.forEach((hypothesis, index) => {
    const row = rows[index];
    if (row === undefined || 'ids' in row) return;
    processRow(row, scorer.kind, values => {
      for (const process of plan.processors) process(values, hypothesis, context);
    });
  });
  return rows;
}

/** What processors may know at `step`. */
export function contextOf({ endId, promptTokenIds }: RequestPlan, step: number): ProcessorContext {
  return { step, endId, promptTokenIds };
}

/** One view of `width` values per row. @throws InputError when there are more or fewer scores than that. */
export function splitRows(scores: ScoreArray, rows: number, width: number, step: number): readonly ScoreArray[] {
  if (scores.length !== rows * width) {
    throw new InputError({
      what: 'number of scores',
      place: `step ${step}`,
      expected: `${rows} x ${width}`,
      found: String(scores.length),
    });
  }
  return Array.from({ length: rows }, (_, row) => scores.subarray(row * width, (row + 1) * width));
}

/** How an error names a row. */
export function rowPlace(step: number, row: number): string {
  return `step ${step}, row ${row}`;
}
