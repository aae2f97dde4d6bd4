/**
 * How far decoding is from what the machine allows: a GPT-2 of base size on the CPU against the bandwidth of its memory and
 * the speed of its largest matrix product, both measured in the same run; and how much of a step is TypeScript.
 *
 *     npx tsx test/bench/compare-limits.ts [--write]
 *
 * A step reads every weight and the cache once and computes 2 · weights operations for each row; the bound is the longer of
 * the two. Bandwidth is that of a product of one row with 300 MB of weights: reading, as steps do, on all cores. (A copy, which
 * is shown as well, reads and writes, and moves more than the cores can read.) Prefill computes as much
 * for each token, and 4 · D · T² in attention, per layer and sequence; it is held against one product of 2,048 rows. Limits
 * and times are the best of several, measured in turn, since other programs may run. TypeScript is the time of a search
 * outside session runs. Steps are measured as sessions are by default and with `spin`.
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeGraph } from '../../onnx-graphs/onnx/encode-graph.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import { matMul } from '../../onnx-graphs/ops/linear.ts';
import { beamSearch } from '../../src/decode/beam-search.ts';
import type { StepScorer } from '../../src/decode/scorer.ts';
import { createGenerator, type Generator } from '../../src/generation/generator.ts';
import { loadModel } from '../../src/node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder, median } from './bench-model.ts';
import { report } from './performance-table.ts';

const [LAYERS, HIDDEN, WORDS] = [12, 768, 21128];
/** Weights of the dense layers of all blocks. */
const DENSE = LAYERS * 12 * HIDDEN ** 2;
const STEPS = 12;

const STEP_SHAPES = [
  { sequences: 1, length: 128, beams: 1 },
  { sequences: 1, length: 512, beams: 1 },
  { sequences: 8, length: 128, beams: 1 },
  { sequences: 8, length: 512, beams: 1 },
  { sequences: 1, length: 128, beams: 64 },
  { sequences: 64, length: 32, beams: 1 },
];

const PREFILL_SHAPES = [
  { sequences: 1, length: 128 },
  { sequences: 8, length: 128 },
  { sequences: 2, length: 512 },
  { sequences: 8, length: 512 },
];

await inFolder(async folder => {
  const bytes = await writeBaseCheckpoint(folder, { model: 'gpt2', config: { max_position_embeddings: 1024 } });
  const model = await loadModel(await convertIn(folder, 'model', { model: 'gpt2' }));
  const spinning = await loadModel(path.join(folder, 'model'), { session: { spin: true } });
  const session = await model.openGraph('step');
  const spinningSession = await spinning.openGraph('step');
  const limits: Limits[] = [];
  const steps: StepTimes[] = [];
  const spinningSteps: StepTimes[] = [];
  for (const shape of STEP_SHAPES) {
    limits.push(await measureLimits());
    steps.push(await measureSteps(createGenerator(session, model.manifest), shape));
    spinningSteps.push(await measureSteps(createGenerator(spinningSession, model.manifest), shape));
  }
  await spinning.dispose();
  const prefills: number[] = [];
  for (const shape of PREFILL_SHAPES) {
    limits.push(await measureLimits());
    prefills.push(await measurePrefill(createGenerator(session, model.manifest), shape));
  }
  await model.dispose();
  const bandwidth = Math.max(...limits.map(limit => limit.bandwidth));
  const copying = Math.max(...limits.map(limit => limit.copying));
  const product = Math.max(...limits.map(limit => limit.product));
  // The token table is read for the logits; that of positions is not read as a whole.
  const weights = bytes - 1024 * HIDDEN * 4;
  const notes = [
    `Reading ${(bandwidth / 1e9).toFixed(1)} GB/s (copying ${(copying / 1e9).toFixed(1)}), product of matrices ${(product / 1e9).toFixed(0)} GFLOP/s.`,
  ];
  const rows = STEP_SHAPES.map((shape, i) =>
    stepRow(shape, [steps[i], spinningSteps[i]], { weights, bandwidth, product }),
  );
  const header = ['sequences × prompt, beams', 'bound, ms', 'step, ms', 'of the bound', 'spinning, ms', 'of the bound'];
  await report('limits-steps', [[...header, 'TypeScript'], ...rows], notes);
  const prefillRows = PREFILL_SHAPES.map((shape, i) => prefillRow(shape, prefills[i], product));
  await report(
    'limits-prefill',
    [['sequences × prompt', 'prefill, ms', 'GFLOP/s', 'of the product'], ...prefillRows],
    notes,
  );
});

interface Limits {
  /** Bytes read per second. */
  readonly bandwidth: number;
  /** Bytes read and written per second in a copy. */
  readonly copying: number;
  /** Operations per second. */
  readonly product: number;
}

async function measureLimits(): Promise<Limits> {
  return {
    bandwidth: await readBandwidth(),
    copying: copyBandwidth(),
    product: await productSpeed(2048, 3072, 3072),
  };
}

interface PromptShape {
  readonly sequences: number;
  readonly length: number;
}

type StepShape = PromptShape & { readonly beams: number };

interface StepTimes {
  /** Milliseconds of the fastest step. */
  readonly step: number;
  /** Share of it outside the session. */
  readonly typeScript: number;
}

function startAll(generator: Generator, { sequences, length }: PromptShape) {
  const tokenIds = Array.from({ length }, (_, i) => 1000 + ((i * 7919) % 20000));
  const prompt = { tokenIds, segmentIds: tokenIds.map(() => 0) };
  return Array.from({ length: sequences }, () => generator.start(prompt));
}

/** Whole searches after their first token, the second of two rounds: in the first, the engine gets its memory. */
async function measureSteps(generator: Generator, shape: StepShape): Promise<StepTimes> {
  await measureRound(generator, shape);
  return measureRound(generator, shape);
}

async function measureRound(generator: Generator, shape: StepShape): Promise<StepTimes> {
  const scorers = startAll(generator, shape);
  const marks: { readonly time: number; readonly session: number; readonly rows: number }[] = [];
  const [first] = scorers;
  await Promise.all(
    scorers.map(scorer => {
      const marked = scorer === first ? { ...scorer, score: mark(scorer.score) as StepScorer['score'] } : scorer;
      return beamSearch(marked, { topK: shape.beams, endId: 0, minLen: STEPS + 2, maxLen: STEPS + 3 });
    }),
  );
  for (const scorer of scorers) scorer.release();
  const rows = shape.sequences * shape.beams;
  const intervals = marks.slice(2).flatMap((now, i) => {
    const before = marks[i + 1] ?? now;
    // Sequences whose prompts were computed in different turns are a step apart: some steps have fewer rows.
    if (now.rows - before.rows !== rows) return [];
    const step = now.time - before.time;
    return [{ step, outside: 1 - (now.session - before.session) / step }];
  });
  return {
    step: Math.min(...intervals.map(({ step }) => step)),
    typeScript: median(intervals.map(({ outside }) => outside)),
  };

  function mark<A extends readonly unknown[], R>(score: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      const { sessionMilliseconds, rows } = generator.counts;
      marks.push({ time: performance.now(), session: sessionMilliseconds, rows });
      return score(...args);
    };
  }
}

/** Milliseconds to the first logits, the best of three. */
async function measurePrefill(generator: Generator, shape: PromptShape): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const scorers = startAll(generator, shape);
    const start = performance.now();
    await Promise.all(scorers.map(scorer => beamSearch(scorer, { topK: 1, endId: 0, maxLen: 1 })));
    times.push(performance.now() - start);
    for (const scorer of scorers) scorer.release();
  }
  return Math.min(...times);
}

function stepRow(
  { sequences, length, beams }: StepShape,
  [plain, spinning]: readonly (StepTimes | undefined)[],
  { weights, bandwidth, product }: Omit<Limits, 'copying'> & { readonly weights: number },
): string[] {
  const cache = sequences * length * 2 * LAYERS * HIDDEN * 4;
  const operations = 2 * (DENSE + WORDS * HIDDEN) * sequences * beams;
  const bound = 1000 * Math.max((weights + cache) / bandwidth, operations / product);
  const timed = [plain, spinning].flatMap(times => {
    const step = times?.step ?? Number.NaN;
    return [step.toFixed(1), percent(bound / step)];
  });
  const name = `${sequences} × ${length}, ${beams}`;
  return [name, bound.toFixed(1), ...timed, percent(plain?.typeScript ?? Number.NaN)];
}

function prefillRow({ sequences, length }: PromptShape, milliseconds = Number.NaN, product: number): string[] {
  const dense = 2 * DENSE * sequences * length;
  const attention = 4 * HIDDEN * length ** 2 * LAYERS * sequences;
  const speed = (1000 * (dense + attention + 2 * WORDS * HIDDEN * sequences)) / milliseconds;
  return [`${sequences} × ${length}`, milliseconds.toFixed(0), (speed / 1e9).toFixed(0), percent(speed / product)];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Operations per second of one product [n, k] · [k, m] in ONNX Runtime. */
async function productSpeed(n: number, k: number, m: number): Promise<number> {
  const seconds = await timeProduct(n, k, m);
  return (2 * n * k * m) / seconds;
}

/** Bytes per second at which ONNX Runtime multiplies one row with a large matrix. */
async function readBandwidth(): Promise<number> {
  const [k, m] = [3072, 24576];
  return (4 * k * m) / (await timeProduct(1, k, m));
}

/** Seconds of one product, the best of five. */
async function timeProduct(n: number, k: number, m: number): Promise<number> {
  const g = new GraphBuilder('product');
  g.output('y', matMul(g, g.input('x', 'float32', ['B', k]), g.weight('a', 'kernel', [k, m])));
  const data = new Uint8Array(new Float32Array(k * m).fill(0.01).buffer);
  const graph = encodeGraph(g.plan(), () => ({ file: 'a', offset: 0, length: data.length, dtype: 'float32' }));
  const session = await InferenceSession.create(graph, {
    externalData: [{ path: 'a', data }],
    intraOpNumThreads: availableParallelism(),
  });
  const x = new Tensor('float32', new Float32Array(n * k).fill(0.5), [n, k]);
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    await session.run({ x });
    times.push((performance.now() - start) / 1000);
  }
  await session.release();
  return Math.min(...times);
}

/** Bytes per second of copying 256 MB, the best of three; a copy reads and writes, so memory moves twice as much. */
function copyBandwidth(): number {
  const source = new Float32Array(1 << 26).fill(1);
  const target = new Float32Array(1 << 26);
  const seconds = Array.from({ length: 3 }, () => {
    const start = performance.now();
    target.set(source);
    return (performance.now() - start) / 1000;
  });
  return (2 * source.byteLength) / Math.min(...seconds);
}
