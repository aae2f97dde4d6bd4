/**
 * A model directory, opened: its manifest, its tokenizer, and its graphs on demand. The same in Node and the browser; what
 * differs comes in as a `ModelPlatform`.
 */
import type { ByteSource, ByteSourceSet } from './core/byte-source.ts';
import { ConfigError, throwIfAborted } from './core/errors.ts';
import { requireSame } from './core/expected-file.ts';
import { type FileEntry, type GraphEntry, type GraphName, MANIFEST_FILE, type Manifest } from './core/manifest.ts';
import { parseManifest } from './core/manifest-parser.ts';
import type { ProgressListener } from './core/progress.ts';
import type { ProfileStore } from './core/strategy-profile.ts';
import type { GraphFiles, GraphSession, SessionOptions, SessionProvider } from './session/session.ts';
import { createTokenizer } from './tokenizers/index.ts';
import type { Tokenizer } from './tokenizers/tokenizer.ts';

/** What a platform brings along. */
export interface ModelPlatform {
  readonly provider: SessionProvider;
  /** SHA-256 of everything in a source, 64 lower-case hexadecimal digits. */
  sha256(source: ByteSource): Promise<string>;
  /** Reads a data file that ships with the package (jieba's dictionary), by its address. */
  readAsset(address: URL): Promise<Uint8Array>;
  /** Where what is measured about the model is kept; absent where nothing can be. */
  readonly profile?: ProfileStore;
}

/** Options of {@link loadModel}. */
export interface ModelOptions {
  /** Device and threads of the sessions. */
  readonly session?: SessionOptions | undefined;
  /**
   * Compare the size and SHA-256 of every file with the manifest first; weights have one when they were converted with
   * `sha256`. Costs one read of everything. Default false: sizes only, when a graph is opened.
   */
  readonly verify?: boolean | undefined;
  /** Hears of each file that is read. */
  readonly onProgress?: ProgressListener | undefined;
  /** Ends the loading; graphs that are opened later do not listen to it. */
  readonly signal?: AbortSignal | undefined;
}

/** A loaded model. Whoever loaded it disposes it. */
export interface Model {
  readonly manifest: Manifest;
  /** null where the model was converted without a vocabulary. */
  readonly tokenizer: Tokenizer | null;
  /** What was measured about it, beside the manifest; absent where nothing is kept: in browsers, and without a folder. */
  readonly profile?: ProfileStore;
  /**
   * Opens a graph, the first time it is asked for; afterwards the same session is returned. The model disposes it.
   * @throws ConfigError when the model has no such graph; FormatError when a file has another size than the manifest
   * says; SessionError when ONNX Runtime refuses.
   */
  openGraph(name: GraphName): Promise<GraphSession>;
  /** Gives back every session. */
  dispose(): Promise<void>;
}

/**
 * Loads a model directory. No graph is opened yet.
 * @throws IoError when a file is missing; FormatError when the manifest or, with `verify`, a file is damaged.
 */
export async function loadModel(
  files: ByteSourceSet,
  platform: ModelPlatform,
  options: ModelOptions = {},
): Promise<Model> {
  const readFile = (name: string) => readWhole(files, name, options);
  const manifest = parseManifest(new TextDecoder().decode(await readFile(MANIFEST_FILE)), MANIFEST_FILE);
  if (options.verify === true) await verifyFiles(manifest, files, platform, options);
  const tokenizer =
    manifest.tokenizer === undefined ? null : await createTokenizer(manifest.tokenizer, readFile, platform.readAsset);
  // A time limit on loading is none on the graphs that are opened later.
  const { signal: _loading, ...later } = options;
  return new LoadedModel({ manifest, tokenizer }, files, platform, later);
}

/** The model's tokenizer. @throws ConfigError when it was converted without one. */
export function tokenizerOf(model: Model): Tokenizer {
  if (model.tokenizer !== null) return model.tokenizer;
  const next = 'Convert it again with --vocab.';
  throw new ConfigError({ what: 'tokenizer', expected: 'a vocabulary in the model directory', found: 'none', next });
}

class LoadedModel implements Model {
  readonly manifest: Manifest;
  readonly tokenizer: Tokenizer | null;
  readonly profile?: ProfileStore;
  readonly #files: ByteSourceSet;
  readonly #provider: SessionProvider;
  readonly #options: ModelOptions;
  readonly #sessions = new Map<GraphName, Promise<GraphSession>>();
  /** Ends of sessions that were given back. */
  readonly #ends: Promise<void>[] = [];

  constructor(
    { manifest, tokenizer }: Pick<Model, 'manifest' | 'tokenizer'>,
    files: ByteSourceSet,
    { provider, profile }: Pick<ModelPlatform, 'provider' | 'profile'>,
    options: ModelOptions,
  ) {
    this.manifest = manifest;
    this.tokenizer = tokenizer;
    if (profile !== undefined) this.profile = profile;
    this.#files = files;
    this.#provider = provider;
    this.#options = options;
  }

  openGraph(name: GraphName): Promise<GraphSession> {
    const known = this.#sessions.get(name);
    if (known !== undefined) return known;
    const opening = this.#open(name);
    this.#sessions.set(name, opening);
    opening.catch(() => this.#sessions.delete(name));
    return opening;
  }

  async dispose(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#ends.push(...sessions.map(session => session.then(opened => opened.dispose(), notOpen)));
    // Every session has ended, well or not, before an error is told.
    await Promise.allSettled(this.#ends);
    await Promise.all(this.#ends);
  }

  async #open(name: GraphName): Promise<GraphSession> {
    const entry = this.manifest.graphs[name];
    if (entry === undefined) {
      const found = Object.keys(this.manifest.graphs).join(', ');
      throw new ConfigError({ what: 'graph', expected: `one of those the model has: ${found}`, found: name });
    }
    const graphFiles = await locateGraph(entry, this.#files, this.#options);
    return this.#provider.open(graphFiles, entry, this.#options.session ?? {});
  }
}

/** Who asked for a session that could not be opened was told, and there is nothing to give back. */
function notOpen(): void {
  return;
}

/** A path where the files have one, for ONNX Runtime to map; otherwise everything is read into memory. */
async function locateGraph(entry: GraphEntry, files: ByteSourceSet, options: ModelOptions): Promise<GraphFiles> {
  const paths: (string | undefined)[] = [];
  for (const file of [entry, ...entry.data]) {
    const checkedPath = (source: ByteSource) => {
      checkSize(file, source);
      return source.path;
    };
    paths.push(await withSource(files, file.file, checkedPath));
  }
  const [path] = paths;
  if (path !== undefined && !paths.includes(undefined)) return { path };
  const folder = entry.file.slice(0, entry.file.lastIndexOf('/') + 1);
  const data: { path: string; bytes: Uint8Array }[] = [];
  for (const { file } of entry.data) {
    // The graph names its weight files relative to its own folder.
    data.push({ path: file.slice(folder.length), bytes: await readWhole(files, file, options) });
  }
  return { graph: await readWhole(files, entry.file, options), data };
}

async function readWhole(files: ByteSourceSet, name: string, options: ModelOptions): Promise<Uint8Array> {
  throwIfAborted(options.signal, `loading ${name}`);
  options.onProgress?.({ status: 'initiate', file: name });
  const bytes = await withSource(files, name, source => source.read(0, source.size));
  options.onProgress?.({ status: 'done', file: name });
  return bytes;
}

async function verifyFiles(
  manifest: Manifest,
  files: ByteSourceSet,
  platform: ModelPlatform,
  options: ModelOptions,
): Promise<void> {
  const entries = Object.values(manifest.graphs).flatMap((graph): FileEntry[] => [graph, ...graph.data]);
  for (const entry of new Map(entries.map(one => [one.file, one])).values()) {
    throwIfAborted(options.signal, `verifying ${entry.file}`);
    await withSource(files, entry.file, async source => {
      checkSize(entry, source);
      const sha256 = entry.sha256 === undefined ? undefined : await platform.sha256(source);
      requireSame(entry, { size: source.size, sha256 });
    });
    options.onProgress?.({ status: 'done', file: entry.file });
  }
}

function checkSize({ file, size }: FileEntry, source: ByteSource): void {
  requireSame({ file, size }, { size: source.size });
}

async function withSource<T>(
  files: ByteSourceSet,
  name: string,
  use: (source: ByteSource) => T | Promise<T>,
): Promise<T> {
  const source = await files.open(name);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}
