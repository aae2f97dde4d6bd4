/**
 * The two builds of onnxruntime-web that are used: plain WebAssembly, and WebAssembly with the native WebGPU execution
 * provider. Each is loaded when the first session needs it; who only ever uses one downloads only that one.
 */
import type * as Ort from 'onnxruntime-web';
import { messageOf, SessionError } from '../core/errors.ts';

/** Where ONNX Runtime's files are. A bundler that copies them needs none of this. */
export interface WebRuntime {
  /** URL of the folder with onnxruntime-web's `.wasm` and `.mjs` files, ending in a slash, or the two files' own URLs. */
  readonly wasmPaths?: string | undefined | { readonly mjs?: string; readonly wasm?: string };
  /** URLs of the modules `onnxruntime-web/wasm` and `/webgpu`, for workers without a bundler: import maps don't reach them. */
  readonly modules?: { readonly wasm?: string; readonly webgpu?: string } | undefined;
}

/** A build, ready to create sessions. */
export interface WebOrt {
  readonly ort: typeof Ort;
  /** CPU threads, and why so many. */
  readonly threads: ThreadChoice;
}

/** Number of WebAssembly threads, and why. */
export interface ThreadChoice {
  readonly count: number;
  readonly reason: string;
}

/** Threads beyond this many gain nothing for one run of a model that fits a browser. */
const MAX_THREADS = 8;

/** Which builds there are. */
export type WebBuild = 'wasm' | 'webgpu';

/**
 * Number of threads: as many as cores where the page is isolated from other origins, else one.
 * @throws SessionError when more than one was asked for on a page that can't have them.
 */
export function chooseThreads(asked: number | undefined): ThreadChoice {
  if (globalThis.crossOriginIsolated) {
    const count = asked ?? Math.min(MAX_THREADS, navigator.hardwareConcurrency);
    return { count, reason: asked === undefined ? `${count} threads` : `${count} threads as asked for` };
  }
  if (asked === undefined || asked === 1)
    return { count: 1, reason: '1 thread, as the page is not crossOriginIsolated' };
  throw new SessionError({
    what: 'WebAssembly threads',
    expected: '1 on a page that is not crossOriginIsolated',
    found: `${asked}`,
    next: 'Serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
  });
}

const loaded = new Map<WebBuild, Promise<WebOrt>>();

/**
 * Loads a build, once; its files and threads are those of the first call, as ONNX Runtime keeps them for good.
 * @throws SessionError when it can't be loaded; the next call tries again.
 */
export function loadWebOrt(build: WebBuild, runtime: WebRuntime, threads: ThreadChoice): Promise<WebOrt> {
  const known = loaded.get(build);
  if (known !== undefined) return known;
  const loading = importBuild(build, runtime).then(ort => {
    if (runtime.wasmPaths !== undefined) ort.env.wasm.wasmPaths = runtime.wasmPaths;
    ort.env.wasm.numThreads = threads.count;
    return { ort, threads };
  });
  loaded.set(build, loading);
  loading.catch(() => loaded.delete(build));
  return loading;
}

async function importBuild(build: WebBuild, { modules = {} }: WebRuntime): Promise<typeof Ort> {
  const address = modules[build];
  try {
    if (address !== undefined) return (await import(/* @vite-ignore */ address)) as typeof Ort;
    return await (build === 'wasm' ? import('onnxruntime-web/wasm') : import('onnxruntime-web/webgpu'));
  } catch (cause) {
    const next = 'Install onnxruntime-web beside bert4ort; without a bundler, give `modules`.';
    throw new SessionError({ what: `onnxruntime-web/${build}`, found: messageOf(cause), next }, { cause });
  }
}
