/**
 * A step cache in another thread. Keys and values stay there; ids, visibility and what is read of logits cross. Where each lane lies is
 * worked out on both sides by the same rules from the same changes, so nobody has to ask.
 *
 * Moving the cache with each run instead costs little up to about 64 MB; beyond, V8 collects garbage whenever it arrives.
 */

import { SessionError } from '../core/errors.ts';
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import { CacheLanes, type Lane, type NewRows } from './cache-lanes.ts';
import { localStepCache } from './local-cache.ts';
import type { GraphSession } from './session.ts';
import type { StepCache } from './step-cache.ts';

/** A change of a cache; lanes go by numbers. */
export type CacheChange =
  | { readonly change: 'add'; readonly lanes: readonly number[]; readonly room: number }
  | { readonly change: 'gather'; readonly lanes: readonly number[] }
  | { readonly change: 'remove' | 'rest'; readonly lane: number }
  | {
      readonly change: 'append';
      readonly batch: readonly { readonly lane: number; readonly slots: readonly number[] }[];
      readonly rows: number;
    };

/** What is asked of the thread that holds caches; `cache` is a number that the asking side gave. */
export type CacheCall =
  | { readonly kind: 'openCache'; readonly cache: number; readonly session: number; readonly dimensions: Dimensions }
  | { readonly kind: 'closeCache'; readonly cache: number }
  | { readonly kind: 'changeCache'; readonly cache: number; readonly change: CacheChange }
  | {
      readonly kind: 'runCache';
      readonly cache: number;
      readonly feeds: Readonly<Record<string, Tensor>>;
      readonly lanes: readonly number[];
      readonly output: string;
    };

/** What was read in a run, nothing for other calls. */
export type CacheResult = Float32Array | null;

/** How calls get to the other thread, in order. */
export interface CacheLink {
  /** False once the thread is gone, and everything in it. */
  readonly alive: boolean;
  send(call: CacheCall): Promise<CacheResult>;
}

/** Answers the calls for one thread's caches, which must come one after another. */
export function serveCaches(
  sessionOf: (session: number) => GraphSession,
): (call: CacheCall) => CacheResult | Promise<CacheResult> {
  const caches = new Map<number, { readonly cache: StepCache; readonly lanes: Map<number, Lane> }>();
  return call => {
    if (call.kind === 'openCache') {
      const session = sessionOf(call.session);
      const cache = session.openCache?.(call.dimensions) ?? localStepCache(session, call.dimensions);
      caches.set(call.cache, { cache, lanes: new Map() });
      return null;
    }
    if (call.kind === 'closeCache' && !caches.has(call.cache)) return null;
    const { cache, lanes } = numbered('cache', caches, call.cache);
    if (call.kind === 'closeCache') {
      // Buffers on a GPU are not collected like arrays.
      for (const lane of lanes.values()) cache.remove(lane);
      caches.delete(call.cache);
      return null;
    }
    if (call.kind === 'runCache') return cache.run(call.feeds, lanesOf(lanes, call.lanes), call.output);
    apply(call.change, cache, lanes);
    return null;
  };
}

function apply(change: CacheChange, cache: StepCache, lanes: Map<number, Lane>): void {
  switch (change.change) {
    case 'add':
      for (const [i, lane] of cache.add(change.lanes.length, change.room).entries())
        lanes.set(change.lanes[i] ?? -1, lane);
      return;
    case 'gather':
      cache.gather(lanesOf(lanes, change.lanes));
      return;
    case 'append': {
      const batch = change.batch.map(({ lane, slots }) => ({ lane: numbered('lane', lanes, lane), slots }));
      cache.append(batch, change.rows);
      return;
    }
    default:
      cache[change.change](numbered('lane', lanes, change.lane));
      if (change.change === 'remove') lanes.delete(change.lane);
  }
}

function lanesOf(lanes: ReadonlyMap<number, Lane>, numbers: readonly number[]): readonly Lane[] {
  return numbers.map(number => numbered('lane', lanes, number));
}

/** What a worker holds under a number. @throws SessionError when it holds nothing there. */
export function numbered<T>(what: string, held: ReadonlyMap<number, T>, number: number): T {
  const found = held.get(number);
  if (found === undefined) throw new SessionError({ what: `${what} in worker`, found: `none of number ${number}` });
  return found;
}

/** A cache at the other end of a link, over a session that was opened there under `session`. */
export function remoteStepCache(
  link: CacheLink,
  dimensions: Dimensions,
  { cache, session }: { readonly cache: number; readonly session: number },
): StepCache {
  return new RemoteStepCache(link, dimensions, { kind: 'openCache', cache, session, dimensions });
}

/** Closes caches that nobody has any more: a task that is dropped may have left a conversation in its own. */
const unused = new FinalizationRegistry<() => void>(close => close());

class RemoteStepCache implements StepCache {
  readonly #link: CacheLink;
  readonly #cache: number;
  /** The same lanes without memory. */
  readonly #mirror: CacheLanes<never>;
  readonly #numbers = new Map<Lane, number>();
  #nextNumber = 0;
  /** Why the two sides may differ by now. */
  #failure: unknown;

  constructor(link: CacheLink, dimensions: Dimensions, open: CacheCall) {
    this.#link = link;
    const { cache } = open;
    this.#cache = cache;
    this.#mirror = new CacheLanes(dimensions);
    this.#send(open);
    // A cache whose session or thread is gone has nothing to close.
    unused.register(this, () => void link.send({ kind: 'closeCache', cache }).catch(() => undefined));
  }

  get slots(): number {
    return this.#mirror.slots;
  }

  get bytes(): number {
    return this.#mirror.bytes;
  }

  get lost(): boolean {
    return this.#failure !== undefined || !this.#link.alive;
  }

  add(count: number, room: number): readonly Lane[] {
    const lanes = this.#mirror.add(count, room);
    for (const lane of lanes) this.#numbers.set(lane, this.#nextNumber++);
    this.#change({ change: 'add', lanes: this.#numbersOf(lanes), room });
    return lanes;
  }

  remove(lane: Lane): void {
    this.#change({ change: 'remove', lane: this.#numberOf(lane) });
    this.#mirror.remove(lane);
    this.#numbers.delete(lane);
  }

  rest(lane: Lane): void {
    this.#change({ change: 'rest', lane: this.#numberOf(lane) });
    this.#mirror.rest(lane);
  }

  gather(lanes: readonly Lane[]): void {
    this.#change({ change: 'gather', lanes: this.#numbersOf(lanes) });
    this.#mirror.gather(lanes);
  }

  async run(feeds: Readonly<Record<string, Tensor>>, lanes: readonly Lane[], output: string): Promise<Float32Array> {
    try {
      const call = { kind: 'runCache', cache: this.#cache, feeds, lanes: this.#numbersOf(lanes), output } as const;
      const read = await this.#link.send(call);
      if (this.#failure !== undefined) throw this.#failure;
      return read ?? new Float32Array(0);
    } catch (error) {
      // A GPU that fails takes the cache along, and only the other side knows whether it did.
      this.#failure ??= error;
      throw error;
    }
  }

  append(batch: readonly NewRows[], rows: number): void {
    const numbered = batch.map(({ lane, slots }) => ({ lane: this.#numberOf(lane), slots }));
    this.#change({ change: 'append', batch: numbered, rows });
    this.#mirror.append(batch, rows);
  }

  #change(change: CacheChange): void {
    this.#send({ kind: 'changeCache', cache: this.#cache, change });
  }

  /** Sends what nobody waits for; should it fail, the next run does. */
  #send(call: CacheCall): void {
    this.#link.send(call).catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  #numbersOf(lanes: readonly Lane[]): readonly number[] {
    return lanes.map(lane => this.#numberOf(lane));
  }

  #numberOf(lane: Lane): number {
    return this.#numbers.get(lane) ?? -1;
  }
}
