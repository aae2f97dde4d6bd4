/**
 * bert4ort in browsers: model directories from a URL, from the origin's private file system or from dropped files;
 * sessions of onnxruntime-web in a worker. The face of `bert4ort/web`.
 */
import type { ByteSourceSet } from './core/byte-source.ts';
import { throwIfAborted } from './core/errors.ts';
import type { ExpectedFile } from './core/expected-file.ts';
import { type FileEntry, MANIFEST_FILE, type Manifest, type TokenizerEntry } from './core/manifest.ts';
import { parseManifest } from './core/manifest-parser.ts';
import { blobSet } from './io/blob.ts';
import { type FetchOptions, fetchFile, openCache } from './io/browser-cache.ts';
import { fileUrl } from './io/http.ts';
import { opfsSet } from './io/opfs.ts';
import { createSha256, hashSource } from './io/sha256.ts';
import { loadModel as loadModelOn, type Model, type ModelOptions } from './model.ts';
import type { DeviceChoice, SessionProvider } from './session/session.ts';
import type { WebRuntime } from './session/web-ort.ts';
import { webWorkerProvider } from './session/worker-web.ts';

export * from './index.ts';
export { blobSet, blobSource } from './io/blob.ts';
export { type HttpSetOptions, httpSet } from './io/http.ts';
export { memorySet, memorySink } from './io/memory.ts';
export { opfsSet, opfsSink } from './io/opfs.ts';
export type { WebRuntime } from './session/web-ort.ts';

/** Name of the cache that models are kept in, unless told otherwise. */
export const CACHE_NAME = 'bert4ort';

/** Options of {@link loadModel} in a browser. */
export interface WebModelOptions extends Omit<ModelOptions, 'session'>, WebRuntime {
  /** `auto` (the default) takes WebGPU where it is right and faster, and says why; a device named is used or refused. */
  readonly device?: 'auto' | 'webgpu' | 'wasm';
  /** WebAssembly threads; more than one needs a crossOriginIsolated page. Default: as many as cores, at most 8. */
  readonly threads?: number;
  /** Cache for what comes from a URL; false keeps it in memory only. Default {@link CACHE_NAME}. */
  readonly cache?: string | false;
  /**
   * Where sessions run: a worker (the default), a worker of your own over `bert4ort/web/worker`, or, with false, the
   * thread that loads the model, which then stands still during each run.
   */
  readonly worker?: boolean | (() => Worker);
}

/** A model loaded in a browser. */
export interface WebModel extends Model {
  /** What the graph opened last runs on, and why; null before the first is open. */
  readonly device: DeviceChoice | null;
}

/**
 * Loads a model directory. From a URL, all of its files are fetched now and kept, so that it loads offline the next time;
 * graphs are opened when they are first needed. The caller disposes the model.
 * @param source URL of the directory, files, or a directory handle such as `opfsSink` has written.
 * @throws IoError when a file can't be fetched or there is no room for it; FormatError when one is not what the manifest
 * says; AbortedError.
 * @example
 * const model = await loadModel('https://example.org/models/qa/', { onProgress: event => console.log(event) });
 * const reader = await createReader(model);
 * const { answer } = await reader.answer('谁写了《红楼梦》？', ['《红楼梦》的作者是曹雪芹。']);
 * await model.dispose();
 */
export async function loadModel(
  source: string | URL | ByteSourceSet | FileSystemDirectoryHandle,
  options: WebModelOptions = {},
): Promise<WebModel> {
  const { device = 'auto', threads, verify, onProgress, signal } = options;
  const cache = isAddress(source) ? await openNamed(options.cache) : null;
  const fetching: FetchOptions = { cache, onProgress, signal };
  const files = await filesOf(source, fetching);
  const opening = providerFor(options);
  let chosen: DeviceChoice | null = null;
  const provider: SessionProvider = {
    async open(...graph) {
      const session = await opening.open(...graph);
      chosen = session.device;
      return session;
    },
  };
  const readAsset = async (address: URL): Promise<Uint8Array> =>
    new Uint8Array(await (await fetchFile(address.href, { file: address.pathname }, fetching)).arrayBuffer());
  const model = await loadModelOn(
    files,
    { provider, sha256: async source => (await hashSource(createSha256(), source)).digest(), readAsset },
    { session: { device, threads }, verify, onProgress, signal },
  );
  onProgress?.({ status: 'ready', file: MANIFEST_FILE });
  return Object.defineProperty(model, 'device', { get: () => chosen }) as WebModel;
}

/** Options of {@link fetchModel}. */
export type FetchModelOptions = Pick<WebModelOptions, 'cache' | 'onProgress' | 'signal'>;

/**
 * Fetches a model directory without loading it: file name → Blob over what is kept. A page can fill the cache with it, or
 * offer the files for download. Errors as of {@link loadModel}.
 */
export async function fetchModel(
  base: string | URL,
  { cache, onProgress, signal }: FetchModelOptions = {},
): Promise<ReadonlyMap<string, Blob>> {
  return fetchFiles(base, { cache: await openNamed(cache), onProgress, signal });
}

async function fetchFiles(base: string | URL, options: FetchOptions): Promise<ReadonlyMap<string, Blob>> {
  const blobs = new Map<string, Blob>();
  const fetchOne = async (expected: ExpectedFile): Promise<Blob> => {
    throwIfAborted(options.signal, `fetching ${expected.file}`);
    const blob = await fetchFile(fileUrl(base, expected.file), expected, options);
    blobs.set(expected.file, blob);
    return blob;
  };
  const manifest = parseManifest(await (await fetchOne({ file: MANIFEST_FILE })).text(), MANIFEST_FILE);
  for (const expected of filesIn(manifest)) await fetchOne(expected);
  return blobs;
}

/** The files that loading needs. */
function filesIn({ graphs, tokenizer }: Manifest): readonly ExpectedFile[] {
  const entries = Object.values(graphs).flatMap((graph): FileEntry[] => [graph, ...graph.data]);
  const distinct = new Map<string, ExpectedFile>(entries.map(entry => [entry.file, entry]));
  if (tokenizer !== undefined) distinct.set(tokenizerFile(tokenizer), { file: tokenizerFile(tokenizer) });
  return [...distinct.values()];
}

function tokenizerFile(entry: TokenizerEntry): string {
  return entry.kind === 'sentencepiece' ? entry.model : entry.vocab;
}

function isAddress(source: unknown): source is string | URL {
  return typeof source === 'string' || source instanceof URL;
}

async function openNamed(cache: string | false = CACHE_NAME): Promise<Cache | null> {
  return cache === false ? null : openCache(cache);
}

async function filesOf(
  source: string | URL | ByteSourceSet | FileSystemDirectoryHandle,
  options: FetchOptions,
): Promise<ByteSourceSet> {
  if (isAddress(source)) return blobSet(await fetchFiles(source, options));
  return 'getFileHandle' in source ? opfsSet(source) : copied(source);
}

/** The same files; what is read is the reader's own memory, which a worker may take. */
function copied(files: ByteSourceSet): ByteSourceSet {
  return {
    list: () => files.list(),
    async open(name) {
      const source = await files.open(name);
      return {
        name: source.name,
        size: source.size,
        close: () => source.close(),
        read: async (offset, length) => new Uint8Array(await source.read(offset, length)),
      };
    },
  };
}

function providerFor({ worker = true, wasmPaths, modules }: WebModelOptions): SessionProvider {
  const runtime: WebRuntime = { wasmPaths, modules };
  if (worker !== false) return webWorkerProvider(worker === true ? startWorker : worker, runtime);
  // Loaded with the first session: pages that use a worker never load what runs inside it.
  const load = async () => (await import('./session/web-session.ts')).webProvider(runtime);
  let loaded: Promise<SessionProvider> | undefined;
  return {
    async open(...graph) {
      loaded ??= load();
      return (await loaded).open(...graph);
    },
  };
}

function startWorker(): Worker {
  // In this very form bundlers recognise a worker.
  return new Worker(new URL('./session/web-worker.js', import.meta.url), { type: 'module' });
}
