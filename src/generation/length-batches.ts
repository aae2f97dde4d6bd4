/**
 * Batches of sequences of similar length, so that padding and runs together cost least.
 */
import type { GraphSession } from '../session/session.ts';

/** What {@link packByLength} goes by. */
export interface Packing {
  /** Most tokens of a run, padding included. */
  readonly budget: number;
  /** What a run costs beside its tokens, in tokens: reading the weights, starting the operators. */
  readonly runCost: number;
}

/**
 * The packing that suits a session's device. A CPU computes a token of 256 as fast as one of 1,024, and one of 8 at half the
 * speed (test/bench/encoder-throughput.ts, prefill-batches.ts), while everything else waits for the run to end. A GPU is idle
 * with small runs; its cost of a run is an estimate.
 */
export function packingOf(session: GraphSession): Packing {
  const { device } = session.device;
  return device === 'cuda' || device === 'webgpu' ? { budget: 4096, runCost: 512 } : { budget: 512, runCost: 12 };
}

/**
 * Groups indices of `lengths` so that computing all groups costs least: the sum of (longest × count + `runCost`), where
 * longest × count is at most `budget` or the group has one member. Longest first.
 */
export function packByLength(lengths: readonly number[], { budget, runCost }: Packing): readonly (readonly number[])[] {
  const order = lengths.map((_, index) => index).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  // Of the first `end` in order: the least cost of all their groups, and where the last of these begins.
  const costs = new Float64Array(order.length + 1);
  const starts = new Int32Array(order.length + 1);
  for (let end = 1; end <= order.length; end++) {
    costs[end] = Number.POSITIVE_INFINITY;
    for (let start = end - 1; start >= 0; start--) {
      const padded = (lengths[order[start] ?? 0] ?? 0) * (end - start);
      if (padded > budget && start < end - 1) break;
      const cost = (costs[start] ?? 0) + padded + runCost;
      if (cost >= (costs[end] ?? 0)) continue;
      costs[end] = cost;
      starts[end] = start;
    }
  }
  const groups: number[][] = [];
  for (let end = order.length; end > 0; end = starts[end] ?? 0) groups.push(order.slice(starts[end], end));
  return groups.reverse();
}

/** Share of a batching's positions that are padding, from 0 to 1. */
export function paddingWaste(lengths: readonly number[], chunks: readonly (readonly number[])[]): number {
  const used = lengths.reduce((sum, length) => sum + length, 0);
  const computed = chunks.reduce(
    (sum, chunk) => sum + chunk.length * Math.max(0, ...chunk.map(index => lengths[index] ?? 0)),
    0,
  );
  return computed === 0 ? 0 : 1 - used / computed;
}
