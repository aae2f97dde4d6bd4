/**
 * A step cache in this thread. Where its session is in another, each run is lent the memory.
 */
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import { CacheLanes, type Lane, type NewRows } from './cache-lanes.ts';
import type { GraphSession } from './session.ts';
import type { StepCache } from './step-cache.ts';

/** A cache in this thread. */
export function localStepCache(session: GraphSession, dimensions: Dimensions): StepCache {
  return new LocalStepCache(session, dimensions);
}

class LocalStepCache implements StepCache {
  readonly #session: GraphSession;
  readonly #lanes: CacheLanes;
  #results: Readonly<Record<string, Tensor>> = {};

  constructor(session: GraphSession, dimensions: Dimensions) {
    this.#session = session;
    this.#lanes = new CacheLanes(dimensions);
  }

  get slots(): number {
    return this.#lanes.slots;
  }

  get bytes(): number {
    return this.#lanes.bytes;
  }

  get lost(): boolean {
    return this.#lanes.lost;
  }

  add(): Lane {
    return this.#lanes.add();
  }

  remove(lane: Lane): void {
    this.#lanes.remove(lane);
  }

  rest(lane: Lane): void {
    this.#lanes.rest(lane);
  }

  gather(lanes: readonly Lane[]): void {
    this.#lanes.gather(lanes);
  }

  async run(feeds: Readonly<Record<string, Tensor>>, lanes: readonly Lane[]): Promise<Float32Array> {
    const cached = lanes.length === 0 ? {} : this.#lanes.feeds(lanes);
    const fetches = ['logits', ...this.#lanes.outputs];
    this.#results = await this.#session.run({ ...feeds, ...cached }, fetches, Object.keys(cached));
    this.#lanes.takeBack(this.#results);
    const { logits } = this.#results;
    return logits?.dtype === 'float32' ? logits.data : new Float32Array(0);
  }

  append(batch: readonly NewRows[], rows: number): void {
    this.#lanes.append(batch, rows, this.#results);
    this.#results = {};
  }
}
