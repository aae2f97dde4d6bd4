/**
 * Batches of sequences of similar length: sorted, then cut where the padded size would pass a budget of tokens, or where
 * padding would cost more than another run.
 */

/**
 * Padding that a sequence may need to join a batch, in tokens. A run reads every weight once, which takes a CPU about as
 * long as computing this many tokens; below that, padding is cheaper than a run of its own.
 */
const RUN_COST = 32;

/**
 * Groups indices of `lengths` so that (longest × count) of a group is at most `budget`, or the group has one member, and
 * no member is shorter than the longest by more than a run's worth of tokens. Longest first, so that a run that does not
 * fit memory fails at once.
 */
export function chunkByLength(lengths: readonly number[], budget: number): readonly (readonly number[])[] {
  const order = lengths.map((_, index) => index).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const chunks: number[][] = [];
  let current: number[] = [];
  for (const index of order) {
    const longest = lengths[current[0] ?? index] ?? 0;
    const short = longest - (lengths[index] ?? 0) > RUN_COST;
    if (current.length > 0 && (short || longest * (current.length + 1) > budget)) {
      chunks.push(current);
      current = [];
    }
    current.push(index);
  }
  return current.length > 0 ? [...chunks, current] : chunks;
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
