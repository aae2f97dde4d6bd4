/**
 * What browser tests run inside the page: the public faces, and what Node reads back as plain data. Bundled by esbuild.
 */
import { convert } from '../../converters/index.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { Bert4ortError } from '../../src/core/errors.ts';
import type { GraphName } from '../../src/core/manifest.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { sha256Of } from '../../src/io/browser-cache.ts';
import { requestGpu } from '../../src/session/web-gpu.ts';
import { compareSessions, probeFeeds } from '../../src/session/web-probe.ts';
import {
  fetchModel,
  httpSet,
  loadModel,
  opfsSet,
  opfsSink,
  type ProgressEvent,
  type WebModelOptions,
} from '../../src/web.ts';

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

/** Longest stretch in milliseconds in which the main thread was blocked during `work`. */
async function longestBlock<T>(work: () => Promise<T>): Promise<{ longest: number; result: T }> {
  let longest = 0;
  const note = (entries: PerformanceEntryList): void => {
    for (const entry of entries) longest = Math.max(longest, entry.duration);
  };
  const observer = new PerformanceObserver(list => note(list.getEntries()));
  observer.observe({ type: 'longtask' });
  const result = await work();
  await new Promise(resolve => setTimeout(resolve, 50));
  note(observer.takeRecords());
  observer.disconnect();
  return { longest, result };
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

interface PageConversion {
  readonly base: string;
  readonly files: readonly string[];
  readonly checkpoint: string;
  readonly keywords: JsonObject;
  readonly into: string;
}

/** Converts files that the page downloaded, into the private file system. */
async function convertInto({ base, files, checkpoint, keywords, into }: PageConversion): Promise<void> {
  const remote = httpSet(base, { names: files });
  const read = async (name: string): Promise<Uint8Array> => {
    const source = await remote.open(name);
    return source.read(0, source.size);
  };
  const root = await navigator.storage.getDirectory();
  const directory = await root.getDirectoryHandle(into, { create: true });
  const options = {
    checkpoint: { files: remote, name: checkpoint },
    config: await read('config.json'),
    keywords,
    tokenizer: { kind: 'wordpiece', vocab: await read('vocab.txt') },
  } as const;
  await convert(options, await opfsSink(directory));
}

/** SHA-256 of files of a published folder of the private file system. */
async function hashes(folder: string, names: readonly string[]): Promise<Record<string, string>> {
  const root = await navigator.storage.getDirectory();
  const files = await opfsSet(await root.getDirectoryHandle(folder));
  const found: Record<string, string> = {};
  for (const name of names) {
    const source = await files.open(name);
    found[name] = await sha256Of(new Blob([new Uint8Array(await source.read(0, source.size))]));
  }
  return found;
}

/** SHA-256 of a file of a model that is fetched through the cache. */
async function hashOfFetched(base: string, name: string): Promise<string> {
  const blobs = await fetchModel(base);
  return sha256Of(blobs.get(name) ?? new Blob([]));
}

/** Loads a model of the private file system. */
async function loadFromOpfs(folder: string, options: WebModelOptions) {
  const root = await navigator.storage.getDirectory();
  return loadModel(await root.getDirectoryHandle(folder), options);
}

const api = {
  thrownBy,
  probe,
  loseGpu,
  eventsOfLoading,
  abortAmidWeights,
  longestBlock,
  logits,
  convertInto,
  hashes,
  hashOfFetched,
  loadFromOpfs,
  loadModel,
  httpSet,
  opfsSink,
};

/** What tests find in the page. */
export type PageApi = typeof api;

declare global {
  var page: PageApi;
}

globalThis.page = api;
