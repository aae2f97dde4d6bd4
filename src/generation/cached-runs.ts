/**
 * Runs of the step graph over the cache: planned rows in, logits or their likeliest tokens out, new keys and values kept.
 *
 * B requests of a run, R new rows, P past slots, K read rows, V vocabulary.
 */
import type { Dimensions } from '../core/manifest.ts';
import type { Lane } from '../session/cache-lanes.ts';
import { localStepCache } from '../session/local-cache.ts';
import type { GraphSession } from '../session/session.ts';
import type { StepCache } from '../session/step-cache.ts';
import { byColumn } from './columns.ts';
import type { RequestRows, RowPlan } from './request-rows.ts';
import { addRuns, type GeneratorCounts, NO_RUNS } from './run-counts.ts';
import { type BatchMember, pastPositions, pastSides, stepRows } from './step-batch.ts';
import {
  blankSlots,
  blankSources,
  emptyPast,
  type PastFeeds,
  type StepRows,
  stepFeeds,
  takes,
} from './step-session.ts';

/** A request with its place in the cache. */
export interface CachedRequest {
  readonly rows: RequestRows;
  /** null until its first run. */
  lane: Lane | null;
}

/** A request and what it wants computed. */
export interface PlannedRequest {
  readonly request: CachedRequest;
  readonly plan: RowPlan;
}

/** Owns the cache of one step session. While a run is under way, only `adopt` may be called. */
export class CachedRuns {
  readonly #session: GraphSession;
  readonly #dimensions: Dimensions;
  #cache: StepCache;
  /** Where there is no memory for new lanes or rows, nobody knows what is where. */
  #unsure = false;
  /** Requests that hold a lane. */
  readonly #requests = new Set<CachedRequest>();
  #counts = NO_RUNS;

  constructor(session: GraphSession, dimensions: Dimensions) {
    this.#session = session;
    this.#dimensions = dimensions;
    this.#cache = openCache(session, dimensions);
  }

  get counts(): GeneratorCounts {
    return { ...this.#counts, cacheBytes: this.#cache.bytes };
  }

  /** Whether something that failed took the cache along. */
  get lost(): boolean {
    return this.#unsure || this.#cache.lost;
  }

  /**
   * Computes what is planned, for requests that are either all new or all in the cache.
   * @returns for each its read rows, in the order given: logits [K, V], or with `topK` the likeliest tokens [K, 2k+1].
   */
  async run(planned: readonly PlannedRequest[], topK: number): Promise<readonly Float32Array[]> {
    this.admit(planned);
    const located = planned.flatMap(({ request: { rows, lane }, plan }) => (lane === null ? [] : { rows, plan, lane }));
    const fresh = located.every(({ lane }) => lane.used === 0);
    const batch = fresh ? located : this.#inOrder(located);
    const past = fresh ? blankSlots(this.#session) : this.#cache.slots;
    const rows = stepRows(batch, { past, blankSources: blankSources(this.#session) });
    const others = fresh ? emptyPast(this.#session, this.#dimensions, batch.length) : this.#perSlot(batch);
    const start = performance.now();
    const lanes = fresh ? [] : batch.map(({ lane }) => lane);
    const output = topK > 0 ? 'top_tokens' : 'logits';
    const read = await this.#cache.run(stepFeeds(this.#session, rows, others, topK), lanes, output);
    this.#count(batch, rows, performance.now() - start);
    this.#unsure = true;
    const slots = this.#cache.slots;
    const placed = batch.map((member, line) => {
      return { lane: member.lane, slots: byColumn(member.rows.place(member.plan, slots), rows.columns, line) };
    });
    this.#cache.append(placed, rows.columns.count);
    this.#unsure = false;
    const stride = read.length / batch.length;
    return located.map(member => read.subarray(batch.indexOf(member) * stride).subarray(0, stride));
  }

  /** Gives new requests their places before they run, with memory for what is planned: it is laid out once for all. */
  admit(planned: readonly PlannedRequest[]): void {
    const fresh = planned.filter(({ request }) => request.lane === null);
    if (fresh.length === 0) return;
    const room = Math.max(...fresh.map(({ plan }) => plan.rows.length));
    this.#unsure = true;
    const lanes = this.#cache.add(fresh.length, room);
    this.#unsure = false;
    for (const [i, { request }] of fresh.entries()) {
      request.lane = lanes[i] ?? null;
      this.#requests.add(request);
    }
  }

  /** Gives `next` the lane of `earlier`. */
  adopt(next: CachedRequest, earlier: CachedRequest): void {
    next.lane = earlier.lane;
    earlier.lane = null;
    this.#requests.delete(earlier);
    this.#requests.add(next);
  }

  /** Moves a request's slots out of the way until its next run. */
  rest({ lane }: CachedRequest): void {
    if (lane !== null) this.#cache.rest(lane);
  }

  /** Gives a request's slots back. */
  remove(request: CachedRequest): void {
    this.#requests.delete(request);
    if (request.lane !== null) this.#cache.remove(request.lane);
    request.lane = null;
  }

  /** After the cache was lost: every request is computed again when it is asked next. */
  forget(): void {
    for (const request of this.#requests) {
      request.rows.forget();
      this.remove(request);
    }
    this.#cache = openCache(this.#session, this.#dimensions);
    this.#unsure = false;
  }

  /** Members in the order of their lanes, which are neighbours then. */
  #inOrder<M extends { readonly lane: Lane }>(members: readonly M[]): readonly M[] {
    this.#cache.gather(members.map(({ lane }) => lane));
    return [...members].sort((a, b) => a.lane.index - b.lane.index);
  }

  #perSlot(batch: readonly BatchMember[]): PastFeeds {
    const { slots } = this.#cache;
    return {
      ...(takes(this.#session, 'past_position_ids') && { past_position_ids: pastPositions(batch, slots) }),
      ...(takes(this.#session, 'past_token_type_ids') && { past_token_type_ids: pastSides(batch, slots) }),
    };
  }

  #count(batch: readonly { readonly plan: RowPlan }[], rows: StepRows, sessionMilliseconds: number): void {
    const asked = batch.reduce((sum, { plan }) => sum + plan.rows.length, 0);
    const paddedRows = rows.batch * rows.columns.count;
    this.#counts = addRuns(this.#counts, { runs: 1, rows: asked, paddedRows, sessionMilliseconds });
  }
}

function openCache(session: GraphSession, dimensions: Dimensions): StepCache {
  return session.openCache?.(dimensions) ?? localStepCache(session, dimensions);
}
