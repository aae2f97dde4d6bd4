/**
 * One device of `main.ts`, in a process of its own: `device-run.ts DEVICE FOLDER BUDGET` prints its result as a line of
 * JSON. FOLDER holds the models `encoder` and `lm`. BUDGET is seconds per shape; a shape is run once to warm up and then until the budget or five runs are spent.
 */
import path from 'node:path';
import { int64Tensor } from '../../../src/core/tensor.ts';
import { extendHypothesis, rootHypothesis } from '../../../src/decode/scorer.ts';
import { createGenerator } from '../../../src/generation/generator.ts';
import { loadModel, type Model } from '../../../src/node.ts';
import { countByProvider, type Placement, placeNodes } from '../../../src/session/diagnosis/placement.ts';
import type { DeviceChoice } from '../../../src/session/session.ts';
import { compareSessions } from '../../../src/session/web-probe.ts';

const RUNS = 5;

/** Batch and length of whole passes. */
const PASSES = [
  { batch: 1, length: 128 },
  { batch: 8, length: 128 },
  { batch: 32, length: 128 },
  { batch: 1, length: 512 },
  { batch: 8, length: 512 },
];

/** Sequences that are decoded together, and tokens that each has already. */
const STEPS = [
  { sequences: 1, past: 32 },
  { sequences: 1, past: 128 },
  { sequences: 1, past: 480 },
  { sequences: 8, past: 128 },
  { sequences: 8, past: 480 },
];

/** What was measured on one device. */
export interface DeviceResult {
  readonly device: string;
  /** Why nothing was measured. */
  readonly unavailable?: string;
  /** Largest difference of the two graphs' outputs from the CPU's. */
  readonly agreement?: number;
  readonly placements?: readonly Placement[];
  readonly forward: readonly { readonly batch: number; readonly length: number; readonly ms: number }[];
  readonly decode: readonly {
    readonly sequences: number;
    readonly past: number;
    readonly cachedMs: number;
    readonly recomputeMs: number;
    /** Bytes of cache that one step reads. */
    readonly cacheBytes: number;
  }[];
}

const [device = 'cpu', folder = '', budget = '20'] = process.argv.slice(2);
const session = { device: device as DeviceChoice['device'] };
const [encoder, lm] = await Promise.all([openModel('encoder', session), openModel('lm', session)]);
try {
  console.log(JSON.stringify(await measure()));
} catch (error) {
  const unavailable = error instanceof Error ? error.message : String(error);
  console.log(JSON.stringify({ device, unavailable, forward: [], decode: [] } satisfies DeviceResult));
} finally {
  await encoder.dispose();
  await lm.dispose();
}

function openModel(name: string, options: typeof session): Promise<Model> {
  return loadModel(path.join(folder, name), { session: options });
}

async function measure(): Promise<DeviceResult> {
  const graph = encoder.manifest.graphs.model;
  if (graph === undefined) throw new Error('no model graph');
  const agreement = await compareWithCpu();
  const placements = countByProvider(await placeNodes(path.join(folder, 'encoder', graph.file), graph, session));
  const forward = [];
  for (const shape of PASSES) forward.push({ ...shape, ms: await passMilliseconds(shape) });
  const decode = [];
  for (const shape of STEPS) decode.push(await stepMilliseconds(shape));
  return { device, agreement, placements, forward, decode };
}

async function compareWithCpu(): Promise<number> {
  if (device === 'cpu') return 0;
  const cpu = await openModel('lm', { device: 'cpu' });
  const differences: number[] = [];
  for (const name of ['model', 'step'] as const) {
    const { difference } = await compareSessions(await lm.openGraph(name), await cpu.openGraph(name));
    differences.push(difference);
  }
  await cpu.dispose();
  return Math.max(...differences);
}

async function passMilliseconds({ batch, length }: (typeof PASSES)[number]): Promise<number> {
  const graph = await encoder.openGraph('model');
  const size = batch * length;
  const feeds = {
    input_ids: int64Tensor(
      Int32Array.from({ length: size }, (_, i) => 1 + ((i * 7919) % 20000)),
      [batch, length],
    ),
    token_type_ids: int64Tensor(new Int32Array(size), [batch, length]),
  };
  return medianMilliseconds(() => graph.run(feeds, ['last_hidden_state']));
}

async function stepMilliseconds(shape: (typeof STEPS)[number]): Promise<DeviceResult['decode'][number]> {
  const { layers, hidden } = lm.manifest.dimensions;
  return {
    ...shape,
    cachedMs: await decodeMilliseconds(shape, false),
    recomputeMs: await decodeMilliseconds(shape, true),
    cacheBytes: shape.sequences * shape.past * 2 * layers * hidden * 4,
  };
}

/** Milliseconds of one more token for every sequence, after the prompt was read. */
async function decodeMilliseconds({ sequences, past }: (typeof STEPS)[number], recompute: boolean): Promise<number> {
  const generator = createGenerator(await lm.openGraph('step'), lm.manifest, {
    recomputeUpTo: recompute ? Number.POSITIVE_INFINITY : 0,
  });
  const tokenIds = Array.from({ length: past }, (_, i) => 100 + i);
  const prompt = { tokenIds, segmentIds: tokenIds.map(() => 0) };
  const scorers = Array.from({ length: sequences }, () => generator.start(prompt));
  let row = rootHypothesis();
  const step = () => Promise.all(scorers.map(scorer => scorer.score([row])));
  await step();
  const ms = await medianMilliseconds(() => {
    row = extendHypothesis(row, 200);
    return step();
  });
  for (const scorer of scorers) scorer.release();
  return ms;
}

/** The median of up to five runs after one that isn't counted, fewer where the budget is spent. */
async function medianMilliseconds(run: () => Promise<unknown>): Promise<number> {
  const end = performance.now() + 1000 * Number(budget);
  const times: number[] = [];
  for (let i = 0; i <= RUNS && (i < 2 || performance.now() < end); i++) {
    const start = performance.now();
    await run();
    if (i > 0) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}
