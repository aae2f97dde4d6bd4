/**
 * The only door to ONNX Runtime. A provider (Node, browser, worker pool) opens graphs; a graph session runs them. Nothing
 * outside this room imports an `onnxruntime-*` package.
 */
import type { Dimensions, Port } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import type { StepCache } from './step-cache.ts';

/** Execution devices. `auto` chooses and says why. */
export type Device = 'auto' | 'cpu' | 'cuda' | 'webgpu' | 'wasm';

/** The device that was chosen, and why, in words for the user. */
export interface DeviceChoice {
  readonly device: Exclude<Device, 'auto'>;
  readonly reason: string;
  /** What it is; absent where the platform does not say, as browsers don't. */
  readonly hardware?: Hardware;
}

/** What a measurement of speed holds for. */
export interface Hardware {
  /** Name of the processor, or of the GPU. */
  readonly name: string;
  /** CPU threads inside one run. */
  readonly threads: number;
  /** ONNX Runtime with its version: `onnxruntime-node 1.30.0`. */
  readonly runtime: string;
}

/** A graph that is loaded and can be run. Owned by whoever opened it. */
export interface GraphSession {
  readonly device: DeviceChoice;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /**
   * Runs the graph. Feeds must hold every input, and their arrays must not change until
   * the run is done; only the outputs named in `fetches` are computed into tensors.
   *
   * `lend` names feeds that the session may take over while it runs, so that a session in a worker moves their memory
   * there and back instead of copying it. They come back in the result under their input names, next to the outputs;
   * arrays over the same buffer must all be lent, and none of them may be touched until then. After a failed run the
   * memory of lent feeds may be gone (their arrays have length 0).
   *
   * Runs of one session happen one after another, in the order of the calls; with several workers, those of each.
   * @throws SessionError when feeds or fetches do not fit the ports, when ONNX Runtime fails, and after `dispose`.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    lend?: readonly string[],
  ): Promise<Readonly<Record<string, Tensor>>>;
  /** Runs that it can do at the same time: its worker threads. Absent where that is one. */
  readonly workers?: number;
  /** Opens a step cache where the session runs; absent where that is this thread. */
  openCache?(dimensions: Dimensions): StepCache;
  /** Waits for runs under way and gives the memory back. May be called twice. */
  dispose(): Promise<void>;
}

/** What a session is opened from: a path on disk, or the bytes of the graph and of its weight files. */
export type GraphFiles =
  | { readonly path: string }
  | { readonly graph: Uint8Array; readonly data: readonly { readonly path: string; readonly bytes: Uint8Array }[] };

/** Settings of a session; sensible defaults follow from the machine. */
export interface SessionOptions {
  readonly device?: Device;
  /** CPU threads inside one run, 1 to 1024. Default in Node: the physical cores, at most 16, divided among workers. */
  readonly threads?: number | undefined;
  /** GPU number, where there are several. */
  readonly deviceId?: number;
  /**
   * On a CPU in Node: leave weights in the mapped file, one copy for all sessions, workers and processes, instead of
   * laying them out anew for faster products. Saves their size in each session, but for the kernels of queries, keys and
   * values, which are joined there; steps of several rows take longer (docs/performance.md). Default false.
   */
  readonly shareWeights?: boolean;
  /**
   * On a CPU in Node: the threads of a run wait for its next operator in a loop of 20 µs before they go to sleep. Steps of
   * few rows take up to a fifth less time, on some machines no less; where other programs want the cores, they can take a
   * quarter more (docs/generation.md). Default false.
   */
  readonly spin?: boolean;
}

/** The inputs and outputs that the manifest promises. */
export interface Ports {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** Opens sessions on one platform. */
export interface SessionProvider {
  /**
   * Opens a graph.
   * @throws SessionError when ONNX Runtime is not installed, refuses the graph or the device, or the graph lacks a port.
   * @throws ConfigError when the platform has no such device.
   */
  open(files: GraphFiles, ports: Ports, options: SessionOptions): Promise<GraphSession>;
}
