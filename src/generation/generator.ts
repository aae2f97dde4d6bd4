/**
 * The generation engine: scorers over the step graph that share one cache and one session. Whatever scorers ask for in
 * the same turn of the event loop, passages that vote, beams, samples, different requests, is computed in one run; rows
 * join and leave between runs.
 *
 * Nothing is copied when beams are reordered: every generated token is a slot, and `visible` says which slots are its
 * ancestors.
 */
import { InputError, throwIfAborted } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { Hypothesis } from '../decode/scorer.ts';
import type { GraphSession } from '../session/session.ts';
import { CacheLanes, type Lane } from './cache-lanes.ts';
import type { GenerationScorer, StartOptions } from './generation-scorer.ts';
import { chunkByLength } from './length-batches.ts';
import { nextTurn } from './next-turn.ts';
import { recomputeScorer } from './recompute-scorer.ts';
import { RequestRows, type RowPlan } from './request-rows.ts';
import { checkIds, checkLength, checkSequence } from './sequence-checks.ts';
import { blankSlots, emptyPast, type StepRows, stepFeeds, takes } from './step-session.ts';
import { canCache, type Sequence } from './visibility.ts';

/** What the engine has done so far, for benchmarks. */
export interface GeneratorCounts {
  /** Session runs. */
  readonly runs: number;
  /** Rows asked for, and rows computed with padding. */
  readonly rows: number;
  readonly paddedRows: number;
  /** Milliseconds inside session runs. */
  readonly sessionMilliseconds: number;
  /** Bytes of cache held now. */
  readonly cacheBytes: number;
}

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
  /** Most new rows of one run, padding included. Default 4096. */
  readonly maxBatchTokens?: number;
  /** Compute everything again in each step instead of keeping a cache. Default false. */
  readonly recompute?: boolean;
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

interface Request {
  readonly rows: RequestRows;
  readonly lane: Lane;
  released: boolean;
}

interface Call {
  readonly request: Request;
  readonly hypotheses: readonly Hypothesis[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (scores: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

interface PlannedCall {
  readonly call: Call;
  readonly plan: RowPlan;
}

class Engine implements Generator {
  readonly #session: GraphSession;
  readonly #manifest: Manifest;
  readonly #options: GeneratorOptions;
  readonly #cache: CacheLanes;
  readonly #requests = new WeakMap<GenerationScorer, Request>();
  readonly #counts = { runs: 0, rows: 0, paddedRows: 0, sessionMilliseconds: 0 };
  #calls: Call[] = [];
  #working = false;
  /** Whether the cache is being read by a run, so that no lane may move. */
  #running = false;
  readonly #toRemove: Lane[] = [];

  constructor(session: GraphSession, manifest: Manifest, options: GeneratorOptions) {
    this.#session = session;
    this.#manifest = manifest;
    this.#options = options;
    this.#cache = new CacheLanes(manifest.dimensions, takes(session, 'past_position_ids'));
  }

  get counts(): GeneratorCounts {
    return { ...this.#counts, cacheBytes: this.#cache.bytes };
  }

  start(prompt: Sequence, { segmentId = 0, after }: StartOptions = {}): GenerationScorer {
    const { attention, dimensions } = this.#manifest;
    checkSequence(dimensions, prompt);
    if (dimensions.segmentVocabSize > 0) checkIds('segment', [segmentId], dimensions.segmentVocabSize);
    if (this.#options.recompute === true || !canCache(attention, segmentId)) {
      after?.release();
      return recomputeScorer(this.#session, this.#manifest, { prompt, segmentId });
    }
    const { lane, slots } = this.#laneFor(prompt, after);
    const request: Request = { rows: new RequestRows(attention, prompt, segmentId, slots), lane, released: false };
    const scorer: GenerationScorer = {
      vocabSize: dimensions.vocabSize,
      kind: 'logits',
      reused: slots.length,
      score: async (hypotheses, signal) => this.#ask(request, hypotheses, signal),
      release: () => this.#release(request),
    };
    this.#requests.set(scorer, request);
    return scorer;
  }

  /** The lane of `after` with the slots that can stay, or a new one. */
  #laneFor(prompt: Sequence, after: GenerationScorer | undefined): { lane: Lane; slots: readonly number[] } {
    const earlier = after === undefined ? undefined : this.#requests.get(after);
    const usable = earlier !== undefined && !earlier.released && this.#manifest.attention.visibility === 'causal';
    const slots = usable ? earlier.rows.reusableSlots(prompt) : [];
    if (earlier === undefined || slots.length === 0) {
      after?.release();
      return { lane: this.#cache.add(), slots: [] };
    }
    earlier.released = true;
    return { lane: earlier.lane, slots };
  }

  #ask(request: Request, hypotheses: readonly Hypothesis[], signal?: AbortSignal): Promise<Float32Array> {
    if (request.released) {
      throw new InputError({ what: 'scoring', found: 'a request that was released', next: 'Start a new one.' });
    }
    const longest = Math.max(...hypotheses.map(({ length }) => length));
    checkLength(this.#manifest.dimensions, request.rows.prompt.tokenIds.length + longest);
    return new Promise((resolve, reject) => {
      this.#calls.push({ request, hypotheses, signal, resolve, reject });
      if (!this.#working) this.#work();
    });
  }

  /** Runs until nothing is asked for; the turn in between lets every search that was answered ask again. */
  async #work(): Promise<void> {
    this.#working = true;
    await nextTurn();
    while (this.#calls.length > 0) {
      const calls = this.#calls;
      this.#calls = [];
      this.#running = true;
      await this.#answer(calls.filter(call => !this.#isOver(call)));
      this.#running = false;
      for (const lane of this.#toRemove.splice(0)) this.#cache.remove(lane);
      await nextTurn();
    }
    this.#working = false;
  }

  #isOver({ request, signal, reject }: Call): boolean {
    try {
      throwIfAborted(signal, 'decoding');
      if (request.released) throw new InputError({ what: 'scoring', found: 'a request that was released meanwhile' });
      return false;
    } catch (error) {
      reject(error);
      return true;
    }
  }

  /** New requests are computed apart from those that go on: their rows would all be padded to a prompt's length. */
  async #answer(calls: readonly Call[]): Promise<void> {
    const planned = calls.map(call => ({ call, plan: call.request.rows.plan(call.hypotheses) }));
    const isNew = ({ call }: PlannedCall) => call.request.lane.used === 0;
    for (const group of [planned.filter(one => !isNew(one)), planned.filter(isNew)]) {
      const lengths = group.map(({ plan }) => plan.rows.length);
      for (const chunk of chunkByLength(lengths, this.#options.maxBatchTokens ?? 4096)) {
        const batch = chunk.flatMap(index => group[index] ?? []);
        try {
          await this.#run(batch);
        } catch (error) {
          for (const { call } of batch) call.reject(error);
        }
      }
    }
  }

  async #run(batch: readonly PlannedCall[]): Promise<void> {
    const { dimensions } = this.#manifest;
    const lanes = batch.map(({ call }) => call.request.lane);
    const fresh = lanes.every(lane => lane.used === 0);
    const past = fresh ? emptyPast(this.#session, dimensions, batch.length) : this.#cache.feeds(lanes);
    const rows = stepRows(batch, fresh ? blankSlots(this.#session) : this.#cache.slots);
    const start = performance.now();
    const lent = fresh ? [] : Object.keys(past);
    const results = await this.#session.run(
      stepFeeds(this.#session, rows, past),
      ['logits', ...this.#cache.outputs],
      lent,
    );
    this.#count(batch, rows, performance.now() - start);
    this.#cache.takeBack(results);
    batch.forEach(({ call, plan }) => {
      call.request.rows.cached(plan, call.request.lane.used);
    });
    const counts = batch.map(({ plan }) => plan.rows.length);
    this.#cache.append(lanes, counts, { rows: rows.rows, positions: rows.positionIds, results });
    const logits = results['logits'];
    const data = logits?.dtype === 'float32' ? logits.data : new Float32Array(0);
    const stride = (rows.logitRows.length / rows.batch) * dimensions.vocabSize;
    batch.forEach(({ call, plan }, lane) => {
      const begin = lane * stride;
      call.resolve(data.subarray(begin, begin + plan.reads.length * dimensions.vocabSize));
    });
  }

  #count(batch: readonly PlannedCall[], rows: StepRows, milliseconds: number): void {
    this.#counts.runs++;
    this.#counts.rows += batch.reduce((sum, { plan }) => sum + plan.rows.length, 0);
    this.#counts.paddedRows += rows.batch * rows.rows;
    this.#counts.sessionMilliseconds += milliseconds;
  }

  #release(request: Request): void {
    if (request.released) return;
    request.released = true;
    if (this.#running) this.#toRemove.push(request.lane);
    else this.#cache.remove(request.lane);
  }
}

/** The arrays of a run, rows and read rows padded to the longest of the batch. */
function stepRows(batch: readonly PlannedCall[], past: number): StepRows {
  const rows = Math.max(...batch.map(({ plan }) => plan.rows.length));
  const reads = Math.max(...batch.map(({ plan }) => plan.reads.length));
  const ids = () => new Int32Array(batch.length * rows);
  const step = { tokenIds: ids(), segmentIds: ids(), positionIds: ids() };
  const visible = new Uint8Array(batch.length * rows * (past + rows));
  const logitRows = new Int32Array(batch.length * reads);
  batch.forEach(({ call, plan }, lane) => {
    plan.rows.forEach((row, i) => {
      const at = lane * rows + i;
      step.tokenIds[at] = row.tokenId;
      step.segmentIds[at] = row.segmentId;
      step.positionIds[at] = row.position;
      call.request.rows.markVisible(plan, i, visible, { offset: at * (past + rows), past });
    });
    logitRows.set(plan.reads, lane * reads);
  });
  return { batch: batch.length, rows, past, ...step, visible, logitRows };
}
