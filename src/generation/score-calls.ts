/**
 * Calls of `score` on their way to a run and back: those for one request become one job, and its read rows are handed out
 * to them.
 */
import { InputError, throwIfAborted } from '../core/errors.ts';
import type { Hypothesis, TopRow } from '../decode/scorer.ts';
import type { CachedRequest, PlannedRequest } from './cached-runs.ts';
import { checkIds } from './sequence-checks.ts';

/** A request as its callers see it. */
export interface Request extends CachedRequest {
  /** Calls that are not answered yet. */
  waiting: number;
  released: boolean;
}

/** One call of `score`. */
export interface Call {
  readonly request: Request;
  readonly hypotheses: readonly Hypothesis[];
  readonly signal: AbortSignal | undefined;
  /** Likeliest tokens of each row that are needed; 0 for whole rows. */
  readonly topK: number;
  /** The turn in which it was made. */
  readonly turn: number;
  readonly resolve: (scores: Float32Array | readonly TopRow[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What is asked of one request in a turn: its calls as one, in their order. */
export interface Job extends PlannedRequest {
  readonly request: Request;
  readonly calls: readonly Call[];
}

/** Whether nobody waits for a call any more; who made it is told. */
export function isOver({ request, signal, reject }: Call): boolean {
  try {
    throwIfAborted(signal, 'decoding');
    if (request.released) throw new InputError({ what: 'scoring', found: 'a request that was released meanwhile' });
    return false;
  } catch (error) {
    reject(error);
    return true;
  }
}

/** The jobs of some calls. Requests that ask for tokens the model does not have are refused, and hinder no other. */
export function jobsOf(calls: readonly Call[], vocabSize: number): readonly Job[] {
  const groups = new Map<Request, Call[]>();
  for (const call of calls) groups.set(call.request, [...(groups.get(call.request) ?? []), call]);
  return [...groups].flatMap(([request, own]) => {
    const plan = request.rows.plan(own.flatMap(call => call.hypotheses));
    try {
      checkIds(
        'token',
        plan.rows.map(row => row.tokenId),
        vocabSize,
      );
      return [{ request, plan, calls: own }];
    } catch (error) {
      for (const call of own) call.reject(error);
      return [];
    }
  });
}

/** Of groups of jobs, the one with the call that has waited longest; among those of one turn, the first group. */
export function longestWaiting(groups: readonly (readonly Job[])[]): readonly Job[] {
  const since = groups.map(group => Math.min(...group.flatMap(({ calls }) => calls.map(({ turn }) => turn))));
  return groups[since.indexOf(Math.min(...since))] ?? [];
}

/** Likeliest tokens that are enough for all calls of some jobs; 0 where one needs whole rows. */
export function topKOf(jobs: readonly Job[]): number {
  const counts = jobs.flatMap(({ calls }) => calls.map(({ topK }) => topK));
  return counts.includes(0) ? 0 : Math.max(...counts);
}

/** Gives each call its rows of a job: logits [K, V], or with `topK` likeliest tokens [K, 2k+1]. */
export function handOut(
  calls: readonly Call[],
  read: Float32Array,
  { topK, vocabSize }: { readonly topK: number; readonly vocabSize: number },
): void {
  const width = topK > 0 ? 2 * topK + 1 : vocabSize;
  let begin = 0;
  for (const { hypotheses, resolve } of calls) {
    const rows = read.subarray(begin, begin + hypotheses.length * width);
    resolve(topK > 0 ? hypotheses.map((_, i) => topRow(rows.subarray(i * width), topK)) : rows);
    begin += rows.length;
  }
}

/** What a row of `top_tokens` begins with: k logits, their ids, the softmax of the first. */
function topRow(row: Float32Array, topK: number): TopRow {
  const ids = Int32Array.from(row.subarray(topK, 2 * topK));
  return { ids, values: row.subarray(0, topK), probability: row[2 * topK] ?? Number.NaN };
}
