/**
 * The only door to ONNX Runtime. A provider (Node, browser, worker pool) opens graphs; a graph session runs them. Nothing
 * outside this room imports an `onnxruntime-*` package.
 */
import type { Port } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';

/** Execution devices. `auto` chooses and says why. */
export type Device = 'auto' | 'cpu' | 'cuda' | 'webgpu' | 'wasm';

/** A graph that is loaded and can be run. Owned by whoever opened it. */
export interface GraphSession {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /**
   * Runs the graph. Feeds must hold every input; only the outputs named in `fetches` are computed into tensors.
   * @throws SessionError when ONNX Runtime refuses the feeds or fails.
   */
  run(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): Promise<Readonly<Record<string, Tensor>>>;
  dispose(): Promise<void>;
}

/** What a session is opened from: a path on disk, or the bytes of the graph and of its weight files. */
export type GraphFiles =
  | { readonly path: string }
  | { readonly graph: Uint8Array; readonly data: readonly { readonly path: string; readonly bytes: Uint8Array }[] };

/** Settings of a session; sensible defaults follow from the machine. */
export interface SessionOptions {
  readonly device?: Device;
  /** CPU threads inside one run. */
  readonly threads?: number;
  /** GPU number, where there are several. */
  readonly deviceId?: number;
}

/** Opens sessions on one platform. */
export interface SessionProvider {
  open(
    files: GraphFiles,
    ports: { inputs: readonly Port[]; outputs: readonly Port[] },
    options: SessionOptions,
  ): Promise<GraphSession>;
}
