/**
 * A step cache in this thread, over any memory.
 */
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import { ArrayMemory } from './array-memory.ts';
import { CacheLanes, type Lane } from './cache-lanes.ts';
import type { LaneMemory } from './lane-memory.ts';
import type { GraphSession } from './session.ts';
import type { StepCache } from './step-cache.ts';

/** A cache in this thread's memory. */
export function localStepCache(session: GraphSession, dimensions: Dimensions): StepCache {
  return new LocalStepCache(dimensions, new ArrayMemory(session, dimensions));
}

/** A cache that runs its own memory. */
export class LocalStepCache<Area> extends CacheLanes<Area> implements StepCache {
  readonly #memory: LaneMemory<Area>;

  constructor(dimensions: Dimensions, memory: LaneMemory<Area>) {
    super(dimensions, memory);
    this.#memory = memory;
  }

  get lost(): boolean {
    return this.#memory.lost;
  }

  run(feeds: Readonly<Record<string, Tensor>>, lanes: readonly Lane[], output: string): Promise<Float32Array> {
    return this.#memory.run(feeds, { first: lanes[0]?.index ?? 0, count: lanes.length, slots: this.slots }, output);
  }
}
