/**
 * What browser tests run inside the page: the public faces, and what Node reads back as plain data. Bundled by esbuild.
 */
import { convert } from '../../converters/index.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { Bert4ortError } from '../../src/core/errors.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { httpSet, loadModel, opfsSet, opfsSink, type WebModelOptions } from '../../src/web.ts';

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
    const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(await source.read(0, source.size)));
    found[name] = Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
  }
  return found;
}

/** Loads a model of the private file system. */
async function loadFromOpfs(folder: string, options: WebModelOptions) {
  const root = await navigator.storage.getDirectory();
  return loadModel(await root.getDirectoryHandle(folder), options);
}

const api = { thrownBy, longestBlock, logits, convertInto, hashes, loadFromOpfs, loadModel, httpSet, opfsSink };

/** What tests find in the page. */
export type PageApi = typeof api;

declare global {
  var page: PageApi;
}

globalThis.page = api;
