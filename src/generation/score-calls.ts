/**
 * Calls of `score` on their way to a run and back: those for one request become one job, and its logits are handed out to
 * them.
 */
import { InputError, throwIfAborted } from '../core/errors.ts';
import type { Hypothesis } from '../decode/scorer.ts';
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
  /** The turn in which it was made. */
  readonly turn: number;
  readonly resolve: (scores: Float32Array) => void;
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

/** Gives each call its rows of a job's logits, [K, V]. */
export function handOut(calls: readonly Call[], logits: Float32Array, vocabSize: number): void {
  let begin = 0;
  for (const { hypotheses, resolve } of calls) {
    const end = begin + hypotheses.length * vocabSize;
    resolve(logits.subarray(begin, end));
    begin = end;
  }
}
