/**
 * The page of web-transformers-js.ts: the same models opened by bert4ort and by transformers.js, and one measurement of
 * either at a time.
 */
import { createGenerator } from '../../src/generation/generator.ts';
import { beamSearch, type Generator, int64Tensor, loadModel, type WebModel } from '../../src/web.ts';

/** Where models and libraries are served, and on how many threads both run. */
export interface Served {
  readonly base: string;
  /** ONNX Runtime's files for our side. */
  readonly ort: string;
  /** transformers.js as one module, and the folder of its own ONNX Runtime. */
  readonly theirs: { readonly module: string; readonly ort: string };
  readonly threads: number;
}

/** Times in milliseconds, and what was computed. */
export interface Decoded {
  readonly prefill: number;
  readonly steps: readonly number[];
  readonly tokenIds: readonly (readonly number[])[];
}

/** Milliseconds of one run, and its hidden states. */
export interface Encoded {
  readonly time: number;
  readonly values: readonly number[];
}

/** One side of the comparison. */
interface Side {
  decode(prompts: readonly (readonly number[])[], steps: number): Promise<Decoded>;
  encode(batch: readonly (readonly number[])[]): Promise<Encoded>;
}

/** Values that cross to Node for comparing, evenly over all of them. */
const COMPARED = 4096;

type Ids = readonly (readonly number[])[];

interface TheirTensor {
  readonly data: Float32Array;
  tolist(): bigint[][];
}

/** The part of transformers.js that is used. */
interface TransformersJs {
  readonly env: {
    localModelPath: string;
    allowLocalModels: boolean;
    allowRemoteModels: boolean;
    useBrowserCache: boolean;
    useWasmCache: boolean;
    readonly backends: { readonly onnx: { readonly wasm: { numThreads: number; wasmPaths: string } } };
  };
  readonly Tensor: new (dtype: string, data: BigInt64Array, shape: readonly number[]) => TheirTensor;
  readonly BaseStreamer: new () => object;
  readonly AutoModelForCausalLM: {
    from_pretrained(name: string, options: object): Promise<{ generate(options: object): Promise<TheirTensor> }>;
  };
  readonly AutoModel: {
    from_pretrained(
      name: string,
      options: object,
    ): Promise<(feeds: object) => Promise<{ readonly last_hidden_state: TheirTensor }>>;
  };
}

/** bert4ort as `loadModel` gives it: sessions in a worker. */
async function openOurs({ base, ort, threads }: Served): Promise<Side> {
  const options = { device: 'wasm', threads, wasmPaths: ort, cache: false } as const;
  const models = new Map<string, Promise<WebModel>>();
  const model = (name: string): Promise<WebModel> => {
    const loading = models.get(name) ?? loadModel(`${base}${name}/`, options);
    models.set(name, loading);
    return loading;
  };
  let generator: Generator | undefined;
  return {
    async decode(prompts, steps) {
      const gpt2 = await model('gpt2');
      generator ??= createGenerator(await gpt2.openGraph('step'), gpt2.manifest);
      const times = [performance.now()];
      const scorers = prompts.map(tokenIds => generator?.start({ tokenIds, segmentIds: tokenIds.map(() => 0) }));
      const results = await Promise.all(
        scorers.map(async (scorer, i) => {
          if (scorer === undefined) throw new Error('no generator');
          const onStep = i === 0 ? () => times.push(performance.now()) : undefined;
          const result = await beamSearch(scorer, { topK: 1, endId: 0, minLen: steps + 2, maxLen: steps + 1, onStep });
          scorer.release();
          return result.tokenIds;
        }),
      );
      return { tokenIds: results, ...intervals(times) };
    },
    async encode(batch) {
      const graph = await (await model('bert')).openGraph('model');
      const shape = shapeOf(batch);
      const zeros = batch.flat().map(() => 0);
      const start = performance.now();
      const feeds = { input_ids: int64Tensor(batch.flat(), shape), token_type_ids: int64Tensor(zeros, shape) };
      const { last_hidden_state: states } = await graph.run(feeds, ['last_hidden_state']);
      return { time: performance.now() - start, values: sampled(states?.data as Float32Array) };
    },
  };
}

/** transformers.js as its documents show it: sessions in the page, its own build of ONNX Runtime. */
async function openTheirs({ base, theirs, threads }: Served): Promise<Side> {
  const { env, Tensor, BaseStreamer, AutoModel, AutoModelForCausalLM }: TransformersJs = await import(theirs.module);
  Object.assign(env, { localModelPath: base, allowLocalModels: true, allowRemoteModels: false });
  Object.assign(env, { useBrowserCache: false, useWasmCache: false });
  Object.assign(env.backends.onnx.wasm, { numThreads: threads, wasmPaths: theirs.ort });
  const options = { device: 'wasm', dtype: 'fp32', use_external_data_format: true };
  const tensor = (batch: Ids) => new Tensor('int64', BigInt64Array.from(batch.flat(), BigInt), shapeOf(batch));
  let gpt2: ReturnType<TransformersJs['AutoModelForCausalLM']['from_pretrained']> | undefined;
  let bert: ReturnType<TransformersJs['AutoModel']['from_pretrained']> | undefined;
  return {
    async decode(prompts, steps) {
      gpt2 ??= AutoModelForCausalLM.from_pretrained('hf', options);
      const model = await gpt2;
      // The prompt itself comes first, before anything runs.
      const times: number[] = [];
      const put = (): unknown => times.push(performance.now());
      const streamer = Object.assign(new BaseStreamer(), { put, end: () => undefined });
      const ones = prompts.map(prompt => prompt.map(() => 1));
      const settings = { max_new_tokens: steps + 1, do_sample: false, streamer };
      const output = await model.generate({ inputs: tensor(prompts), attention_mask: tensor(ones), ...settings });
      const tokenIds = output.tolist().map((row, i) => row.slice(prompts[i]?.length).map(Number));
      return { tokenIds, ...intervals(times) };
    },
    async encode(batch) {
      bert ??= AutoModel.from_pretrained('bert', options);
      const model = await bert;
      const start = performance.now();
      const feeds = { input_ids: tensor(batch), token_type_ids: tensor(batch.map(ids => ids.map(() => 0))) };
      const { last_hidden_state: states } = await model(feeds);
      return { time: performance.now() - start, values: sampled(states.data) };
    },
  };
}

function shapeOf(batch: Ids): readonly number[] {
  return [batch.length, batch[0]?.length ?? 0];
}

function intervals(times: readonly number[]): Pick<Decoded, 'prefill' | 'steps'> {
  const [prefill = Number.NaN, ...steps] = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  return { prefill, steps };
}

function sampled(values: Float32Array): readonly number[] {
  const step = Math.max(1, Math.floor(values.length / COMPARED));
  return Array.from(values).filter((_, i) => i % step === 0);
}

const openers = { ours: openOurs, theirs: openTheirs };

/** What the script finds in the page. */
export type ComparePage = typeof openers;

declare global {
  var compare: ComparePage;
  /** The sides that are open. */
  var sides: Record<string, Side>;
}

globalThis.compare = openers;
globalThis.sides = {};
