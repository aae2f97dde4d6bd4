/**
 * What NEZHA's relative positions cost: a 12-layer base model with and without them, run in turn on the same inputs.
 *
 *     npx tsx test/bench/nezha-attention.ts [length = 512] [threads = 1] [rounds = 7]
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { encodeGraph } from '../../onnx-graphs/onnx/encode-graph.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import type { GraphPlan } from '../../onnx-graphs/onnx/graph-plan.ts';
import { elementCount } from '../../src/core/dtype.ts';

const [length = 512, threads = 1, rounds = 7] = process.argv.slice(2).map(Number);

const BASE = {
  vocab_size: 21128,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  hidden_act: 'gelu',
};

const MODELS = {
  'bert encoder': ['bert', {}],
  'nezha encoder': ['nezha', {}],
  'bert lm': ['bert', { application: 'lm' }],
  'nezha lm': ['nezha', { application: 'lm' }],
} as const;

type Name = keyof typeof MODELS;
const names = Object.keys(MODELS) as Name[];

const sessions = new Map<Name, InferenceSession>();
for (const name of names) sessions.set(name, await open(name));
const times = new Map<Name, number[]>(names.map(name => [name, []]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, session] of sessions) {
    const started = performance.now();
    await session.run(feeds(), ['last_hidden_state']);
    if (round > 0) times.get(name)?.push(performance.now() - started);
  }
}
for (const [name, all] of times) console.log(`${name.padEnd(14)} ${median(all).toFixed(0).padStart(6)} ms`);
for (const kind of ['encoder', 'lm'] as const) {
  const ratio = median(times.get(`nezha ${kind}`) ?? []) / median(times.get(`bert ${kind}`) ?? []);
  console.log(`nezha / bert, ${kind}, length ${length}, ${threads} thread(s): ${ratio.toFixed(2)}`);
}

async function open(name: Name): Promise<InferenceSession> {
  const [model, keywords] = MODELS[name];
  const architecture = architectures[model];
  if (architecture === undefined) throw new Error(`no ${model}`);
  const g = new GraphBuilder(name);
  const config = architecture.parseConfig(BASE, keywords);
  architecture.graphs.model(g, config);
  const plan = g.plan();
  return InferenceSession.create(encodeWithNoise(plan), {
    externalData: [{ path: 'noise', data: noise(plan) }],
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
}

/** Every weight lies at the start of one file: values do not matter for time, and memory stays small. */
function encodeWithNoise(plan: GraphPlan): Uint8Array {
  const lengths = new Map(plan.weights.map(({ name, shape }) => [name, 4 * elementCount(shape)]));
  return encodeGraph(plan, name => ({ file: 'noise', offset: 0, length: lengths.get(name) ?? 0, dtype: 'float32' }));
}

function noise(plan: GraphPlan): Uint8Array {
  const size = Math.max(...plan.weights.map(({ shape }) => elementCount(shape)));
  const values = Float32Array.from({ length: size }, (_, i) => 0.04 * Math.sin(i * i));
  return new Uint8Array(values.buffer);
}

function feeds(): Record<string, Tensor> {
  const ids = BigInt64Array.from({ length }, (_, i) => BigInt(1 + ((i * 7919) % 20000)));
  return {
    input_ids: new Tensor('int64', ids, [1, length]),
    token_type_ids: new Tensor('int64', new BigInt64Array(length), [1, length]),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
