/**
 * Memory for keys and values beside a session of the step graph: lanes that it keeps, and runs over them.
 */
import type { Tensor } from '../core/tensor.ts';
import type { Lane, NewRows } from './cache-lanes.ts';

/** A cache of one session. Changes and runs happen in the order of the calls. */
export interface StepCache {
  /** P: slots of every lane. */
  readonly slots: number;
  /** Bytes of all lanes. */
  readonly bytes: number;
  /** Whether the memory is gone, as when the worker that held it died; then only another cache helps. */
  readonly lost: boolean;
  /** New lanes, with memory for `room` slots in each. */
  add(count: number, room: number): readonly Lane[];
  /** Gives a lane's slots back. */
  remove(lane: Lane): void;
  /** Moves a lane's slots out of the way until a run needs it. */
  rest(lane: Lane): void;
  /** Makes lanes neighbours; their `index` says in which order. */
  gather(lanes: readonly Lane[]): void;
  /**
   * Runs the graph over neighbouring lanes in their order, or over none, and returns one output, flat. The new keys and
   * values wait for {@link append}.
   * @param feeds everything but the lanes' keys and values; the arrays are given away.
   */
  run(feeds: Readonly<Record<string, Tensor>>, lanes: readonly Lane[], output: string): Promise<Float32Array>;
  /** Writes the leading rows of each lane of the last run, of its `rows` R, to their slots. */
  append(batch: readonly NewRows[], rows: number): void;
}
