/**
 * Runs that are shared: whatever calls ask for is laid together into batches of similar length, whoever asked, and what
 * arrives while a run is under way joins the next ones. Of the batches that can be made of everything that waits, the one
 * with the item that has waited longest is computed next: nobody starves, and results come nearly in the order of asking.
 */
import { throwIfAborted } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { GraphSession } from '../session/session.ts';
import { nextTurn } from './next-turn.ts';
import { addRuns, NO_RUNS, type RunCounts } from './run-counts.ts';

/** What one run takes. */
export interface RunInput {
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Outputs to fetch. */
  readonly fetches: readonly string[];
  /** Rows of the items, and rows that the run computes with padding. */
  readonly rows: number;
  readonly paddedRows: number;
}

/** How items of one kind become runs of a graph. */
export interface RunRules<Item, Result> {
  /** Groups indices of items: each is one run of at most `budget` rows with padding, or has one member. */
  group(items: readonly Item[], budget: number): readonly (readonly number[])[];
  /** The run of a group. */
  input(batch: readonly Item[]): RunInput;
  /** One result for each member of a group, in order; may be views of the outputs. @throws SessionError for unfit outputs. */
  results(outputs: Readonly<Record<string, Tensor>>, batch: readonly Item[]): readonly Result[];
}

/** One call: what is done with its results, and when it ends. */
export interface RunCall<Result, R> {
  /** Called right after an item's run, so that nothing keeps a run's outputs for longer than necessary. */
  readonly read: (result: Result, index: number) => R;
  /** Most rows of a run with items of this call, padding included. */
  readonly budget: number;
  readonly signal?: AbortSignal | undefined;
}

/** Shares the runs of one session among calls. */
export interface RunQueue<Item, Result> {
  /**
   * Computes items, with those of other calls where that saves work.
   * @returns what `read` made of each, in the order of the items.
   * @throws AbortedError for this call's own signal, looked at between runs; whatever a run with items of this call, or its
   * `read`, threw.
   */
  ask<R>(items: readonly Item[], call: RunCall<Result, R>): Promise<readonly R[]>;
  readonly counts: RunCounts;
}

/** A queue over a session, which stays the caller's. */
export function createRunQueue<Item, Result>(
  session: GraphSession,
  rules: RunRules<Item, Result>,
): RunQueue<Item, Result> {
  return new Queue(session, rules);
}

/** A call as the queue sees it. */
interface Pending<Result> {
  readonly budget: number;
  readonly signal: AbortSignal | undefined;
  readonly take: (result: Result, index: number) => void;
  /** Rejects the call; what it still waits for is dropped. */
  readonly fail: (error: unknown) => void;
  over: boolean;
}

interface Entry<Item, Result> {
  readonly call: Pending<Result>;
  readonly item: Item;
  /** Place among the items of its call, and among all that were ever asked. */
  readonly index: number;
  readonly order: number;
}

class Queue<Item, Result> implements RunQueue<Item, Result> {
  readonly #session: GraphSession;
  readonly #rules: RunRules<Item, Result>;
  #counts = NO_RUNS;
  /** Entries that no batch has yet. */
  #arrived: Entry<Item, Result>[] = [];
  /** The batch with the oldest entry last. */
  #batches: (readonly Entry<Item, Result>[])[] = [];
  #asked = 0;
  /** Calls that wait for something. */
  readonly #calls = new Set<Pending<Result>>();
  /** Loops that take batches: as many as the session can run at the same time. */
  #working = 0;

  constructor(session: GraphSession, rules: RunRules<Item, Result>) {
    this.#session = session;
    this.#rules = rules;
  }

  get counts(): RunCounts {
    return this.#counts;
  }

  async ask<R>(items: readonly Item[], { read, budget, signal }: RunCall<Result, R>): Promise<readonly R[]> {
    if (items.length === 0) return [];
    const results: R[] = new Array(items.length);
    let missing = items.length;
    await new Promise<void>((resolve, reject) => {
      const take = (result: Result, index: number) => {
        results[index] = read(result, index);
        if (--missing > 0) return;
        this.#calls.delete(call);
        resolve();
      };
      const fail = (error: unknown) => {
        call.over = true;
        this.#calls.delete(call);
        reject(error);
      };
      const call: Pending<Result> = { budget, signal, take, fail, over: false };
      this.#calls.add(call);
      items.forEach((item, index) => {
        this.#arrived.push({ call, item, index, order: this.#asked++ });
      });
      while (this.#working < (this.#session.workers ?? 1)) this.#work();
    });
    return results;
  }

  /** Runs until nothing waits; the turn in between lets everybody ask who was answered, or came meanwhile. */
  async #work(): Promise<void> {
    this.#working++;
    await nextTurn();
    for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
      await this.#run(batch);
      await nextTurn();
    }
    this.#working--;
  }

  #next(): readonly Entry<Item, Result>[] | undefined {
    for (const call of this.#calls) endIfAborted(call);
    if (this.#arrived.length > 0) this.#plan();
    for (let batch = this.#batches.pop(); batch !== undefined; batch = this.#batches.pop()) {
      const wanted = batch.filter(({ call }) => !call.over);
      if (wanted.length > 0) return wanted;
    }
    return undefined;
  }

  /** Groups everything that waits anew. */
  #plan(): void {
    const waiting = [...this.#batches.flat(), ...this.#arrived].filter(({ call }) => !call.over);
    this.#arrived = [];
    const budget = waiting.reduce((least, { call }) => Math.min(least, call.budget), Number.POSITIVE_INFINITY);
    const items = waiting.map(({ item }) => item);
    const batches = this.#rules.group(items, budget).map(group => group.flatMap(index => waiting[index] ?? []));
    const oldest = new Map(batches.map(batch => [batch, Math.min(...batch.map(({ order }) => order))]));
    this.#batches = batches.sort((a, b) => (oldest.get(b) ?? 0) - (oldest.get(a) ?? 0));
  }

  /** Computes a batch; when that fails, those who asked are told, and nobody else. */
  async #run(batch: readonly Entry<Item, Result>[]): Promise<void> {
    try {
      const items = batch.map(({ item }) => item);
      const { feeds, fetches, rows, paddedRows } = this.#rules.input(items);
      const start = performance.now();
      const outputs = await this.#session.run(feeds, fetches);
      const sessionMilliseconds = performance.now() - start;
      this.#counts = addRuns(this.#counts, { runs: 1, rows, paddedRows, sessionMilliseconds });
      const results = this.#rules.results(outputs, items);
      results.forEach((result, lane) => {
        const entry = batch[lane];
        if (entry !== undefined) handOut(entry, result);
      });
    } catch (error) {
      for (const { call } of batch) call.fail(error);
    }
  }
}

/** Gives an entry its result; what its reader throws ends its call only. */
function handOut<Item, Result>({ call, index }: Entry<Item, Result>, result: Result): void {
  if (call.over) return;
  try {
    call.take(result, index);
  } catch (error) {
    call.fail(error);
  }
}

/** Rejects a call whose signal is aborted; what it still waits for is dropped. */
function endIfAborted({ signal, fail }: Pending<never>): void {
  try {
    throwIfAborted(signal, 'computing');
  } catch (error) {
    fail(error);
  }
}
