/**
 * What browser tests run inside the page: the public faces, and what Node reads back as plain data. Bundled by esbuild.
 */
import { env, InferenceSession } from 'onnxruntime-web/webgpu';
import type { ByteSink } from '../../src/core/byte-source.ts';
import { Bert4ortError } from '../../src/core/errors.ts';
import type { GraphName } from '../../src/core/manifest.ts';
import { int64Tensor, type Tensor } from '../../src/core/tensor.ts';
import { createSha256, hashSource } from '../../src/io/sha256.ts';
import { loadModel as loadModelOn } from '../../src/model.ts';
import { requestGpu } from '../../src/session/web-gpu.ts';
import { compareSessions, probeFeeds } from '../../src/session/web-probe.ts';
import { webProvider } from '../../src/session/web-session.ts';
import {
  blobSet,
  createChat,
  fetchModel,
  loadModel,
  opfsSet,
  opfsSink,
  type ProgressEvent,
  type WebModelOptions,
} from '../../src/web.ts';
import type { PageConversion } from './convert-worker.ts';
import { compareTrees, converse, failAllocation, traceSteps } from './page-cache.ts';
import { answerAll, fillBlanks, generateAll } from './page-tasks.ts';

/** A thrown error as plain data, so that tests can compare its class. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
}

/** Lets `work` fail, and tells how. */
async function thrownBy(work: () => Promise<unknown>): Promise<Thrown | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof Bert4ortError) return { name: error.name, message: error.message };
    throw error;
  }
}

/** The kinds of progress that loading reports, without repetitions. */
async function eventsOfLoading(base: string): Promise<readonly string[]> {
  const seen: string[] = [];
  const onProgress = ({ status, file }: ProgressEvent): void => {
    if (seen.at(-1) !== `${status} ${file}`) seen.push(`${status} ${file}`);
  };
  const model = await loadModel(base, { onProgress });
  await model.dispose();
  return seen;
}

/** Aborts loading with the first bytes of the weights. */
function abortAmidWeights(base: string): Promise<Thrown | null> {
  const controller = new AbortController();
  const onProgress = ({ status, file }: ProgressEvent): void => {
    if (status === 'progress' && file.endsWith('_data')) controller.abort();
  };
  return thrownBy(() => loadModel(base, { signal: controller.signal, onProgress }));
}

/** Logits of the whole graph for ids on a device, and where they were computed. */
async function logits(base: string, ids: readonly number[], segments: readonly number[], options: WebModelOptions) {
  const model = await loadModel(base, options);
  try {
    const graph = await model.openGraph('model');
    const shape = [1, ids.length];
    const feeds: Record<string, Tensor> = {};
    for (const { name } of graph.inputs) {
      const values = name === 'input_ids' ? ids : segments;
      feeds[name] = { dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) };
    }
    const results = await graph.run(feeds, ['logits']);
    return { device: model.device, logits: [...(results['logits']?.data ?? [])].map(Number) };
  } finally {
    await model.dispose();
  }
}

/** A graph of a model, opened on both devices in this thread and compared as `auto` does. */
async function probe(base: string, name: GraphName, options: WebModelOptions) {
  const candidate = await loadModel(base, { ...options, device: 'webgpu', worker: false });
  const reference = await loadModel(base, { ...options, device: 'wasm', worker: false });
  try {
    return await compareSessions(await candidate.openGraph(name), await reference.openGraph(name));
  } finally {
    await candidate.dispose();
    await reference.dispose();
  }
}

/** Opens a graph on WebGPU with ONNX Runtime itself, which says in the console where it places each node. */
async function logPlacements(base: string, name: GraphName, wasmPaths: string): Promise<void> {
  env.wasm.wasmPaths = wasmPaths;
  env.logLevel = 'verbose';
  const blobs = await fetchModel(base);
  const bytes = async (file: string): Promise<Uint8Array> =>
    new Uint8Array((await blobs.get(file)?.arrayBuffer()) ?? new ArrayBuffer(0));
  const session = await InferenceSession.create(await bytes(`onnx/${name}.onnx`), {
    executionProviders: ['webgpu'],
    externalData: [{ path: 'model.onnx_data', data: await bytes('onnx/model.onnx_data') }],
    logSeverityLevel: 0,
  });
  await session.release();
}

/** Destroys the GPU's device under an open graph, runs the graph, and opens another. */
async function loseGpu(base: string, options: WebModelOptions) {
  const settings = { ...options, device: 'webgpu', worker: false } as const;
  const model = await loadModel(base, settings);
  const graph = await model.openGraph('model');
  const feeds = probeFeeds(graph);
  await graph.run(feeds, ['logits']);
  (await requestGpu()).device.destroy();
  const error = await thrownBy(() => graph.run(feeds, ['logits']));
  const next = await loadModel(base, settings);
  const fresh = await next.openGraph('model');
  await fresh.run(feeds, ['logits']);
  return { error, again: fresh.device.device };
}

/** Destroys the GPU's device while a reply is being written, and asks again on a fresh one. */
async function loseGpuWhileWriting(base: string, options: WebModelOptions) {
  const settings = { ...options, device: 'webgpu', worker: false } as const;
  const write = async (onPiece: () => Promise<void>): Promise<string> => {
    const model = await loadModel(base, settings);
    const reply = (await createChat(model)).stream(['你好'], { topK: 1, maxLen: 8 });
    let text = '';
    for await (const piece of reply) {
      text += piece;
      await onPiece();
    }
    await model.dispose();
    return text;
  };
  const error = await thrownBy(() => write(async () => (await requestGpu()).device.destroy()));
  return { error, again: await write(async () => undefined) };
}

/**
 * Logits of the whole graph where `auto` finds WebGPU, which passes for a real one here, twice as fast, and what it then
 * says of both graphs.
 */
async function takeFasterGpu(base: string, ids: readonly number[], wasmPaths: string) {
  const { gpu } = navigator;
  const request = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async options => {
    const adapter = await request(options);
    return adapter && Object.defineProperty(adapter, 'info', { value: { isFallbackAdapter: false } });
  };
  let trials = 0;
  const provider = webProvider({ wasmPaths }, async (...sessions) => {
    trials++;
    return { ...(await compareSessions(...sessions)), candidateMs: 1, referenceMs: 2 };
  });
  const platform = { provider, sha256: async () => '', readAsset: async () => new Uint8Array(0) };
  const model = await loadModelOn(blobSet(await fetchModel(base)), platform);
  try {
    const graph = await model.openGraph('model');
    const shape = [1, ids.length];
    const feeds = {
      input_ids: int64Tensor(ids, shape),
      token_type_ids: int64Tensor(new Int32Array(ids.length), shape),
    };
    const { logits: values } = await graph.run(feeds, ['logits']);
    const step = await model.openGraph('step');
    return { trials, devices: [graph.device, step.device], logits: [...(values?.data ?? [])].map(Number) };
  } finally {
    await model.dispose();
  }
}

/** Converts files that the server has into the private file system, in a worker. */
async function convertInto(conversion: PageConversion): Promise<void> {
  const worker = new Worker(new URL('./convert-worker.js', import.meta.url), { type: 'module' });
  try {
    const failure = await new Promise<string | null>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<string | null>) => resolve(data);
      worker.onerror = event => reject(new Error(event.message));
      worker.postMessage(conversion);
    });
    if (failure !== null) throw new Error(failure);
  } finally {
    worker.terminate();
  }
}

/** SHA-256 of files of a published folder of the private file system. */
async function hashes(folder: string, names: readonly string[]): Promise<Record<string, string>> {
  const files = await opfsSet(await directoryNamed(folder));
  const found: Record<string, string> = {};
  for (const name of names) {
    found[name] = (await hashSource(createSha256(), await files.open(name))).digest();
  }
  return found;
}

/** SHA-256 of a file of a model that is fetched through the cache. */
async function hashOfFetched(base: string, name: string): Promise<string> {
  const files = blobSet(await fetchModel(base));
  return (await hashSource(createSha256(), await files.open(name))).digest();
}

async function directoryNamed(name: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(name, { create: true });
}

/** Files that a reader sees in a folder of the private file system, and the folders in it. */
async function publishedFiles(name: string) {
  const directory = await directoryNamed(name);
  const folders: string[] = [];
  for await (const entry of directory.values()) if (entry.kind === 'directory') folders.push(entry.name);
  return { files: [...(await (await opfsSet(directory)).list())], folders: folders.length };
}

/** What a reader sees before, between and after two publications and a discarded one. */
async function publishTwice() {
  const directory = await directoryNamed('twice');
  const listed = async () => [...(await (await opfsSet(directory)).list())];
  const write = async (sink: ByteSink, name: string) => {
    const writer = await sink.create(name, 1);
    await writer.write(new Uint8Array(1));
    await writer.close();
  };
  const first = await opfsSink(directory);
  await write(first, 'a.txt');
  const whileWriting = await listed();
  await first.commit();
  const published = await listed();
  const second = await opfsSink(directory);
  await write(second, 'b.txt');
  const whileReplacing = await listed();
  await second.commit();
  const replaced = await listed();
  const third = await opfsSink(directory);
  await write(third, 'c.txt');
  await third.discard();
  let left = 0;
  for await (const entry of directory.values()) if (entry.kind === 'directory') left++;
  return { whileWriting, published, whileReplacing, replaced, afterDiscard: await listed(), left };
}

async function writeTooMuch(): Promise<Thrown | null> {
  const sink = await opfsSink(await directoryNamed('full'));
  return thrownBy(() => sink.create('big', Number.MAX_SAFE_INTEGER));
}

/** Replies from a model in the private file system, in several turns. */
async function chatFrom(folder: string, options: WebModelOptions): Promise<readonly string[]> {
  const model = await loadModel(await directoryNamed(folder), options);
  try {
    const chat = await createChat(model);
    const turns = ['你好'];
    for (let turn = 0; turn < 3; turn++) {
      for await (const piece of chat.stream(turns, { seed: turn }))
        turns[2 * turn + 1] = (turns[2 * turn + 1] ?? '') + piece;
      turns.push('今天天气不错');
    }
    return turns;
  } finally {
    await model.dispose();
  }
}

/** Loads a model, lets it reply and disposes it, `count` times. */
async function cycle(base: string, count: number, options: WebModelOptions): Promise<void> {
  for (let i = 0; i < count; i++) {
    const model = await loadModel(base, options);
    await (await createChat(model)).reply(['你好'], { topK: 1, maxLen: 4 });
    await model.dispose();
  }
}

/** Milliseconds from nothing to the first result of the whole graph, and of the fastest run after it. */
async function timings(base: string, options: WebModelOptions, runs: number) {
  const start = performance.now();
  const model = await loadModel(base, options);
  const graph = await model.openGraph('model');
  const feeds = probeFeeds(graph);
  await graph.run(feeds, ['logits']);
  const first = performance.now() - start;
  let run = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const before = performance.now();
    await graph.run(feeds, ['logits']);
    run = Math.min(run, performance.now() - before);
  }
  await model.dispose();
  return { first, run };
}

/** What a run in a worker without a file ends with. */
function runInMissingWorker(base: string): Promise<Thrown | null> {
  const worker = (): Worker => new Worker('/nowhere.js', { type: 'module' });
  return thrownBy(() => logits(base, [2], [0], { worker }));
}

const api = {
  compareTrees,
  converse,
  failAllocation,
  traceSteps,
  runInMissingWorker,
  answerAll,
  fillBlanks,
  generateAll,
  timings,
  logPlacements,
  publishTwice,
  writeTooMuch,
  chatFrom,
  cycle,
  thrownBy,
  probe,
  loseGpu,
  loseGpuWhileWriting,
  takeFasterGpu,
  publishedFiles,
  eventsOfLoading,
  abortAmidWeights,
  logits,
  convertInto,
  hashes,
  hashOfFetched,
  loadModel,
};

/** What tests find in the page. */
export type PageApi = typeof api;

declare global {
  var page: PageApi;
}

globalThis.page = api;
