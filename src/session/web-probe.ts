/**
 * Finds out whether two sessions of one graph agree, and which is faster, on inputs made from its ports. WebGPU drivers
 * have been seen to give wrong numbers without any error, from sequences of length 32 on; so `auto` asks before it trusts.
 */
import type { Port } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import type { GraphSession, Ports } from './session.ts';

/** Sizes of free dimensions in the probe: long enough to reach the code paths for longer sequences. */
const SIZES: Readonly<Record<string, number>> = { T: 40, R: 40, P: 24, L: 40, M: 24 };

/** Words of a side in the probe of a cloze model: some of its places are padding. */
export const SIDE_LENGTH = 20;

/** Differences up to this, absolute or relative, are rounding. */
const TOLERANCE = 1e-3;

/** Runs that are timed; the fastest counts. */
const TIMED_RUNS = 3;

/** What the probe found. */
export interface ProbeResult {
  /** Largest difference of any output element, absolute or relative, whichever is smaller. */
  readonly difference: number;
  readonly agrees: boolean;
  /** Milliseconds of a run. */
  readonly candidateMs: number;
  readonly referenceMs: number;
}

/** Runs both sessions on the same feeds. @throws SessionError when one of them fails. */
export async function compareSessions(candidate: GraphSession, reference: GraphSession): Promise<ProbeResult> {
  const feeds = probeFeeds(reference);
  const fetches = reference.outputs.map(port => port.name);
  const found = await candidate.run(feeds, fetches);
  const expected = await reference.run(feeds, fetches);
  const difference = Math.max(...fetches.map(name => largestDifference(found[name], expected[name])));
  const candidateMs = await fastestRun(candidate, feeds, fetches);
  const referenceMs = await fastestRun(reference, feeds, fetches);
  return { difference, agrees: difference <= TOLERANCE, candidateMs, referenceMs };
}

/** Inputs that any graph of ours accepts: the smallest ids, positions in order, everything visible, a smooth cache. */
export function probeFeeds(ports: Ports): Record<string, Tensor> {
  return Object.fromEntries(ports.inputs.map(port => [port.name, probeTensor(port)]));
}

function probeTensor(port: Port): Tensor {
  const shape = port.shape.map(sizeOf);
  const length = shape.reduce((product, size) => product * size, 1);
  const row = shape.at(-1) ?? 1;
  if (port.dtype === 'bool') return { dtype: 'bool', shape, data: new Uint8Array(length).fill(1) };
  if (port.dtype === 'float32') {
    return { dtype: 'float32', shape, data: Float32Array.from({ length }, (_, i) => Math.sin(i)) };
  }
  const values = (i: number): number => {
    if (port.name.endsWith('_lengths')) return SIDE_LENGTH;
    if (port.name === 'input_ids' || port.name === 'left_ids' || port.name === 'right_ids') return 1;
    return port.name.includes('position_ids') ? i % row : 0;
  };
  if (port.dtype === 'int32') return { dtype: 'int32', shape, data: Int32Array.from({ length }, (_, i) => values(i)) };
  return { dtype: 'int64', shape, data: BigInt64Array.from({ length }, (_, i) => BigInt(values(i))) };
}

/** A number as it is, a letter as above or 1, `P+R` as their sum, `B or 1` as 1. */
function sizeOf(dimension: number | string): number {
  if (typeof dimension === 'number') return dimension;
  return dimension.split('+').reduce((sum, letter) => sum + (SIZES[letter.trim()] ?? 1), 0);
}

function largestDifference(found: Tensor | undefined, expected: Tensor | undefined): number {
  if (found?.data.length !== expected?.data.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < (expected?.data.length ?? 0); i++) {
    const wanted = Number(expected?.data[i]);
    const difference = Math.abs(Number(found?.data[i]) - wanted) / Math.max(1, Math.abs(wanted));
    // Written so that a NaN counts as the largest difference there is.
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

async function fastestRun(
  session: GraphSession,
  feeds: Readonly<Record<string, Tensor>>,
  fetches: readonly string[],
): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMED_RUNS; i++) {
    const start = performance.now();
    await session.run(feeds, fetches);
    fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest;
}
