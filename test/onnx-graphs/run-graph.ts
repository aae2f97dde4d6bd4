/**
 * Runs graphs in tests: plans with random weights, straight on ONNX Runtime. A weight's values follow from its name, so
 * that two graphs of one model share them.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { JsonObject, ModelFacts } from '../../onnx-graphs/architecture.ts';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { encodeGraph, type WeightLocation } from '../../onnx-graphs/onnx/encode-graph.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import type { GraphPlan } from '../../onnx-graphs/onnx/graph-plan.ts';
import type { Value } from '../../onnx-graphs/onnx/value.ts';
import { elementCount } from '../../src/core/dtype.ts';

/** Values of all dimensions in row-major order. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A graph that can be run. */
export interface RunnableGraph {
  readonly plan: GraphPlan;
  readonly weights: ReadonlyMap<string, Float32Array>;
  run(feeds: Readonly<Record<string, Numbers>>): Promise<Readonly<Record<string, Numbers>>>;
  release(): Promise<void>;
}

/** Opens a plan with random weights. */
export async function openPlan(plan: GraphPlan): Promise<RunnableGraph> {
  const weights = new Map(plan.weights.map(({ name, shape }) => [name, randomWeight(name, shape)]));
  const { bytes, locations } = packed(weights);
  const graph = encodeGraph(plan, name => locations.get(name) ?? missing(name));
  const session = await InferenceSession.create(graph, {
    ...(bytes.length > 0 && { externalData: [{ path: 'weights', data: bytes }] }),
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const dtypes = new Map(plan.inputs.map(port => [port.name, port.dtype]));
  return {
    plan,
    weights,
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, value]) => [name, tensorOf(dtypes.get(name), value)] as const);
      const results = await session.run(Object.fromEntries(tensors));
      return Object.fromEntries(Object.entries(results).map(([name, { dims, data }]) => [name, arrayOf(dims, data)]));
    },
    release: () => session.release(),
  };
}

/** Opens a graph that `write` fills; the value it returns is the output `y`. */
export function openGraph(write: (g: GraphBuilder) => Value): Promise<RunnableGraph> {
  const g = new GraphBuilder('test');
  g.output('y', write(g));
  return openPlan(g.plan());
}

/** A small model with its graphs. */
export interface TinyModel {
  readonly facts: ModelFacts;
  readonly model: RunnableGraph;
  readonly read: RunnableGraph | undefined;
  readonly step: RunnableGraph | undefined;
}

/** Keywords that give a model all of its heads, where it has heads of its own. */
export function allHeads(model: string): JsonObject {
  if (model === 'electra') return { with_discriminator: true };
  return /^gpt|^cloze|t5/.test(model) ? {} : { with_mlm: true, with_nsp: true };
}

/** A configuration small enough for tests. */
export const TINY: JsonObject = {
  vocab_size: 30,
  hidden_size: 16,
  embedding_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 20,
  hidden_act: 'gelu',
  max_position: 200,
};

/** Builds a small model by bert4keras' names. */
export async function openTiny(name: string, keywords: JsonObject): Promise<TinyModel> {
  const architecture = architectures[name] ?? missing(name);
  const config = architecture.parseConfig(TINY, keywords);
  const facts = architecture.describe(config);
  const open = (graph: 'model' | 'read' | 'step'): Promise<RunnableGraph> => {
    const g = new GraphBuilder(graph);
    architecture.graphs[graph]?.(g, config);
    return openPlan(g.plan());
  };
  const openIf = async (graph: 'read' | 'step') => (facts.graphs.includes(graph) ? await open(graph) : undefined);
  return { facts, model: await open('model'), read: await openIf('read'), step: await openIf('step') };
}

/** Numbers in [-1, 1) that follow from `seed`. */
export function randomNumbers(count: number, seed: string): number[] {
  let state = [...seed].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 16777619), 2166136261);
  return Array.from({ length: count }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    state = Math.imul(state ^ (state >>> 13), 0x297a2d39);
    return ((state ^ (state >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

/** Far enough from initial values that no weight can be confused with another or left out unnoticed. */
function randomWeight(name: string, shape: readonly number[]): Float32Array {
  const spread = name.endsWith('kernel') ? 2 / Math.sqrt(shape[0] ?? 1) : 0.7;
  const centre = name.endsWith('gamma') ? 1 : 0;
  return Float32Array.from(randomNumbers(elementCount(shape), name), value => centre + spread * value);
}

function packed(weights: ReadonlyMap<string, Float32Array>) {
  const bytes = new Uint8Array([...weights.values()].reduce((sum, { byteLength }) => sum + byteLength, 0));
  const locations = new Map<string, WeightLocation>();
  let offset = 0;
  for (const [name, { buffer, byteLength: length }] of weights) {
    bytes.set(new Uint8Array(buffer), offset);
    locations.set(name, { file: 'weights', offset, length, dtype: 'float32' });
    offset += length;
  }
  return { bytes, locations };
}

function tensorOf(dtype: string | undefined, { shape, data }: Numbers): Tensor {
  const values = Array.from(data);
  if (dtype === 'int64') return new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
  if (dtype === 'bool') return new Tensor('bool', Uint8Array.from(values), shape);
  return new Tensor('float32', Float32Array.from(values), shape);
}

function arrayOf(shape: readonly number[], data: Tensor['data']): Numbers {
  return { shape, data: Float64Array.from(data as Iterable<number | bigint>, Number) };
}

function missing(name: string): never {
  throw new Error(`no ${name}`);
}
