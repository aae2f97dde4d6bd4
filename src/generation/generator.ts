/**
 * The generation engine: scorers over the step graph that share one cache and one session. Whatever scorers ask for in
 * the same turn of the event loop, passages that vote, beams, samples, different requests, is computed in one run; rows
 * join and leave between runs.
 *
 * Nothing is copied when beams are reordered: every generated token is a slot, and `visible` says which slots are its
 * ancestors.
 */
import { InputError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { Hypothesis, TopRow } from '../decode/scorer.ts';
import type { GraphSession } from '../session/session.ts';
import { CachedRuns } from './cached-runs.ts';
import type { GenerationScorer, StartOptions } from './generation-scorer.ts';
import { type Packing, packByLength, packingOf } from './length-batches.ts';
import { nextTurn } from './next-turn.ts';
import { recomputeScorer, shortCallScorer } from './recompute-scorer.ts';
import { type CachedSlots, RequestRows } from './request-rows.ts';
import { createRowReader, type RowReader } from './row-reader.ts';
import { addRuns, type GeneratorCounts } from './run-counts.ts';
import { type Call, handOut, isOver, type Job, jobsOf, longestWaiting, type Request, topKOf } from './score-calls.ts';
import { checkIds, checkLength, checkSequence, checkSides } from './sequence-checks.ts';
import { takes } from './step-session.ts';
import { canCache, type Sequence } from './visibility.ts';

/** Makes scorers. */
export interface Generator {
  /**
   * Starts a request. Nothing runs until its scorer is asked.
   * @throws InputError for a prompt that is empty, too long, or holds unknown ids.
   */
  start(prompt: Sequence, options?: StartOptions): GenerationScorer;
  readonly counts: GeneratorCounts;
}

/** Options of {@link createGenerator}. */
export interface GeneratorOptions {
  /** Most new rows of one run, padding included. Default 512 on a CPU, 4096 on a GPU. */
  readonly maxBatchTokens?: number | undefined;
  /**
   * Calls over at most so many tokens, all hypotheses together, are computed again as a whole instead of with a cache.
   * Default 0: none; Infinity: all. `openGenerator` chooses it by measurement.
   */
  readonly recomputeUpTo?: number;
}

/**
 * An engine over a model's step graph. The session stays the caller's.
 * @example
 * const generator = createGenerator(await model.openGraph('step'), model.manifest);
 * const scorer = generator.start({ tokenIds: [2, 10, 3], segmentIds: [0, 0, 0] }, { segmentId: 1 });
 * const { tokenIds } = await beamSearch(scorer, { topK: 3, endId: 3, maxLen: 16 });
 * scorer.release();
 */
export function createGenerator(session: GraphSession, manifest: Manifest, options: GeneratorOptions = {}): Generator {
  return new Engine(session, manifest, options);
}

/** Tokens of new requests that get a place in the cache before their run; others could be gone before it is their turn. */
const MOST_ADMITTED = 4096;

class Engine implements Generator {
  readonly #manifest: Manifest;
  readonly #packing: Packing;
  readonly #options: GeneratorOptions;
  readonly #runs: CachedRuns;
  /** Computes what is asked without a cache. */
  readonly #reader: RowReader;
  /** How many of the likeliest tokens of a row a step can name: none on WebGPU, which would sort all for that. */
  readonly #mostTopTokens: number;
  readonly #requestOf = new WeakMap<GenerationScorer, Request>();
  #calls: Call[] = [];
  #turn = 0;
  #working = false;
  /** Whether a run reads the cache, so that no lane may move. */
  #running = false;
  /** Changes of the cache that wait for the run to end. */
  readonly #later: (() => void)[] = [];

  constructor(session: GraphSession, manifest: Manifest, options: GeneratorOptions) {
    const packing = packingOf(session);
    this.#manifest = manifest;
    this.#packing = { ...packing, budget: options.maxBatchTokens ?? packing.budget };
    this.#options = options;
    this.#runs = new CachedRuns(session, manifest.dimensions);
    this.#reader = createRowReader(session, manifest);
    const canName = takes(session, 'top_k') && session.device.device !== 'webgpu';
    this.#mostTopTokens = canName ? manifest.dimensions.vocabSize : 0;
  }

  get counts(): GeneratorCounts {
    const { cacheBytes, ...cached } = this.#runs.counts;
    return { ...addRuns(cached, this.#reader.counts), cacheBytes };
  }

  start(prompt: Sequence, { segmentId = 0, after }: StartOptions = {}): GenerationScorer {
    const { attention, dimensions } = this.#manifest;
    const { recomputeUpTo: limit = 0, maxBatchTokens } = this.#options;
    checkSequence(dimensions, prompt);
    checkSides(attention, prompt);
    if (dimensions.segmentVocabSize > 0) checkIds('segment', [segmentId], dimensions.segmentVocabSize);
    const request = { prompt, segmentId, vocabSize: dimensions.vocabSize, maxBatchTokens };
    if (limit === Number.POSITIVE_INFINITY || !canCache(attention, segmentId)) {
      after?.release();
      return recomputeScorer(this.#reader, request);
    }
    const { scorer: cached, request: held } = this.#startCached(prompt, segmentId, after);
    const promptTokens = prompt.tokenIds.length;
    const scorer =
      promptTokens > limit
        ? cached
        : shortCallScorer(cached, recomputeScorer(this.#reader, request), { limit, promptTokens });
    this.#requestOf.set(scorer, held);
    return scorer;
  }

  #startCached(prompt: Sequence, segmentId: number, after: GenerationScorer | undefined) {
    const earlier = after === undefined ? undefined : this.#requestOf.get(after);
    const cached = earlier === undefined ? undefined : reusable(earlier, prompt);
    const rows = new RequestRows(this.#manifest.attention, prompt, segmentId, cached);
    const request: Request = { rows, lane: null, waiting: 0, released: false };
    if (earlier !== undefined && cached !== undefined) {
      this.#runs.adopt(request, earlier);
      earlier.released = true;
    } else after?.release();
    const score = async (hypotheses: readonly Hypothesis[], signal?: AbortSignal, topK = 0) =>
      this.#ask(request, { hypotheses, signal, topK: Math.min(topK, this.#mostTopTokens) });
    const scorer: GenerationScorer = {
      vocabSize: this.#manifest.dimensions.vocabSize,
      kind: 'logits',
      reused: cached?.slots.length ?? 0,
      // A call without `topK` is answered by whole rows.
      score: score as GenerationScorer['score'],
      rest: () => this.#rest(request),
      release: () => this.#release(request),
    };
    return { scorer, request };
  }

  #ask(
    request: Request,
    asked: Pick<Call, 'hypotheses' | 'signal' | 'topK'>,
  ): Promise<Float32Array | readonly TopRow[]> {
    if (request.released) {
      throw new InputError({ what: 'scoring', found: 'a request that was released', next: 'Start a new one.' });
    }
    const longest = Math.max(...asked.hypotheses.map(({ length }) => length));
    checkLength(this.#manifest.dimensions, request.rows.prompt.tokenIds.length + longest);
    request.waiting++;
    const answered = new Promise<Float32Array | readonly TopRow[]>((resolve, reject) => {
      this.#calls.push({ request, ...asked, turn: this.#turn, resolve, reject });
    });
    if (!this.#working) this.#work();
    return answered.finally(() => request.waiting--);
  }

  /** Runs until nothing is asked for; the turn in between lets every search that was answered ask again. */
  async #work(): Promise<void> {
    this.#working = true;
    await nextTurn();
    while (this.#calls.length > 0) {
      const calls = this.#calls.filter(call => !isOver(call));
      this.#calls = [];
      this.#turn++;
      this.#running = true;
      try {
        await this.#answer(calls);
      } catch (error) {
        // Nobody is left waiting, whatever it was: memory that could not be allocated, for one.
        for (const call of calls) call.reject(error);
      }
      this.#running = false;
      for (const change of this.#later.splice(0)) this.#change(change);
      await nextTurn();
    }
    this.#working = false;
  }

  /**
   * New requests are computed apart from those that go on, since they need no past, and one batch of them a turn, so that
   * the others are not kept waiting: the longest of those that came together, but whoever is left over comes first in the
   * next turn.
   */
  async #answer(calls: readonly Call[]): Promise<void> {
    // A worker that died between runs is nobody's failure.
    if (this.#runs.lost) this.#runs.forget();
    const jobs = jobsOf(calls, this.#manifest.dimensions.vocabSize);
    const isNew = ({ request }: Job) => (request.lane?.used ?? 0) === 0;
    const groups = this.#batches(jobs.filter(isNew));
    const first = longestWaiting(groups);
    const waiting = groups.filter(group => group !== first).flat();
    this.#admit([...first, ...waiting]);
    const batches = [...this.#batches(jobs.filter(job => !isNew(job))), first];
    this.#askAgain(waiting);
    for (const [i, batch] of batches.entries()) {
      if (batch.length === 0 || (await this.#tryRun(batch))) continue;
      this.#runs.forget();
      // What the others planned relied on the cache that is gone; they are planned anew in the next turn.
      this.#askAgain(batches.slice(i + 1).flat());
      return;
    }
  }

  /** Gives jobs their places, every one as long as the longest job. */
  #admit(jobs: readonly Job[]): void {
    const longest = Math.max(1, ...jobs.map(({ plan }) => plan.rows.length));
    this.#runs.admit(jobs.slice(0, MOST_ADMITTED / longest));
  }

  #batches(jobs: readonly Job[]): readonly (readonly Job[])[] {
    const lengths = jobs.map(({ plan }) => plan.rows.length);
    return packByLength(lengths, this.#packing).map(group => group.flatMap(index => jobs[index] ?? []));
  }

  #askAgain(jobs: readonly Job[]): void {
    this.#calls.unshift(...jobs.flatMap(({ calls }) => calls));
  }

  /** Runs a batch; when that fails, those who asked are told. False when the cache is gone. */
  async #tryRun(batch: readonly Job[]): Promise<boolean> {
    try {
      const topK = topKOf(batch);
      const read = await this.#runs.run(batch, topK);
      const { vocabSize } = this.#manifest.dimensions;
      batch.forEach((job, index) => {
        handOut(job.calls, read[index] ?? new Float32Array(0), { topK, vocabSize });
      });
    } catch (error) {
      for (const call of batch.flatMap(({ calls }) => calls)) call.reject(error);
    }
    return !this.#runs.lost;
  }

  #rest(request: Request): void {
    this.#whenIdle(() => {
      if (request.waiting === 0) this.#runs.rest(request);
    });
  }

  #release(request: Request): void {
    if (request.released) return;
    request.released = true;
    this.#whenIdle(() => this.#runs.remove(request));
  }

  #whenIdle(change: () => void): void {
    if (this.#running) this.#later.push(change);
    else this.#change(change);
  }

  /** Where memory can't even be moved, all of it is given back, and requests are computed again. */
  #change(change: () => void): void {
    try {
      change();
    } catch {
      this.#runs.forget();
    }
  }
}

/** The slots of an earlier request that a prompt can use, if any. */
function reusable(earlier: Request, prompt: Sequence): CachedSlots | undefined {
  if (earlier.released || earlier.waiting > 0 || earlier.lane === null) return undefined;
  const slots = earlier.rows.reusableSlots(prompt);
  return slots.length === 0 ? undefined : { slots, used: earlier.lane.used };
}
