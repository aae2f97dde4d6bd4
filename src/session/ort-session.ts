/**
 * A graph session over ONNX Runtime's JavaScript API, the same in Node and the browser: checks, tensor conversion without
 * copies, one run at a time, typed errors.
 */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { messageOf, SessionError } from '../core/errors.ts';
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkRun } from './feeds.ts';
import type { LaneMemory } from './lane-memory.ts';
import { LocalStepCache } from './local-cache.ts';
import { runFailure } from './run-failure.ts';
import type { DeviceChoice, GraphSession, Ports } from './session.ts';

/**
 * ONNX Runtime's `logSeverityLevel` for errors. What it warns of on WebGPU, that nodes of shapes and masks stay on the
 * CPU, is as it should be.
 */
export const ERRORS_ONLY = 3;

/** The part of an `onnxruntime-*` module that sessions need. */
export interface OrtModule {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof OrtTensor;
}

/** A feed on the GPU: float32 numbers from the beginning of a buffer. */
export interface PlacedFeed {
  readonly buffer: GPUBuffer;
  readonly shape: readonly number[];
}

/** A session as its caches on the GPU see it. */
export interface OrtRuns {
  /**
   * Runs the graph with some feeds on the GPU. Nothing is checked, and `read` gets the fetches in their order, where the
   * session was told to leave them.
   */
  runOn<R>(
    feeds: Readonly<Record<string, Tensor>>,
    placed: Readonly<Record<string, PlacedFeed>>,
    fetches: readonly string[],
    read: (results: readonly (OrtTensor | undefined)[]) => R | Promise<R>,
  ): Promise<R>;
}

/** Memory of a cache that ends with its session. */
export interface OwnedMemory<Area> extends LaneMemory<Area> {
  dispose(): void;
}

/** What is different on a browser's GPU. */
export interface GpuTerms<Area> {
  /** `work`, or a SessionError once the device is lost. */
  untilLost<T>(work: Promise<T>): Promise<T>;
  /** Memory on the GPU for a cache; absent where the session leaves nothing there. */
  readonly openMemory?: ((runs: OrtRuns, dimensions: Dimensions) => OwnedMemory<Area>) | undefined;
}

/**
 * Wraps a created ONNX Runtime session.
 * @throws SessionError when the graph lacks a port that the manifest promises.
 */
export function wrapOrtSession<Area>(
  { ort, session, gpu }: OrtParts<Area>,
  ports: Ports,
  device: DeviceChoice,
): GraphSession {
  checkPorts(session, ports);
  return new OrtGraphSession({ ort, session, gpu }, ports, device);
}

/** What a session is made of. */
export interface OrtParts<Area> {
  readonly ort: OrtModule;
  readonly session: InferenceSession;
  readonly gpu?: GpuTerms<Area> | undefined;
}

class OrtGraphSession<Area> implements GraphSession, OrtRuns {
  readonly inputs: Ports['inputs'];
  readonly outputs: Ports['outputs'];
  readonly device: DeviceChoice;
  readonly openCache?: NonNullable<GraphSession['openCache']>;
  readonly #ort: OrtModule;
  readonly #session: InferenceSession;
  readonly #memories: OwnedMemory<Area>[] = [];
  readonly #untilLost: GpuTerms<Area>['untilLost'];
  /** Settles when every run asked for so far has; a new run starts after it. */
  #last: Promise<void> = Promise.resolve();
  #disposal: Promise<void> | undefined;

  constructor({ ort, session, gpu }: OrtParts<Area>, ports: Ports, device: DeviceChoice) {
    this.#ort = ort;
    this.#session = session;
    this.inputs = ports.inputs;
    this.outputs = ports.outputs;
    this.device = device;
    this.#untilLost = gpu?.untilLost ?? (work => work);
    const openMemory = gpu?.openMemory;
    if (openMemory === undefined) return;
    this.openCache = dimensions => {
      const memory = openMemory(this, dimensions);
      this.#memories.push(memory);
      return new LocalStepCache(dimensions, memory);
    };
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    lend: readonly string[] = [],
  ): Promise<Readonly<Record<string, Tensor>>> {
    if (this.#disposal === undefined) checkRun(this, feeds, fetches);
    const outputs = await this.runOn(feeds, {}, fetches, async results => {
      const tensors = results.map((result, i) => tensorOf(fetches[i] ?? '', result));
      return Object.fromEntries((await Promise.all(tensors)).map((tensor, i) => [fetches[i], tensor]));
    });
    return withLent(outputs, feeds, lend);
  }

  async runOn<R>(
    feeds: Readonly<Record<string, Tensor>>,
    placed: Readonly<Record<string, PlacedFeed>>,
    fetches: readonly string[],
    read: (results: readonly (OrtTensor | undefined)[]) => R | Promise<R>,
  ): Promise<R> {
    if (this.#disposal !== undefined) throw runFailure();
    const turn = this.#last.then(async () => {
      const results = await this.#session.run(this.#tensors(feeds, placed), fetches).catch((cause: unknown) => {
        throw runFailure(messageOf(cause), { cause });
      });
      return read(fetches.map(name => results[name]));
    });
    // Not a promise of the outputs, which would be kept until the next run.
    const done = (): void => undefined;
    this.#last = turn.then(done, done);
    return this.#untilLost(turn);
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.#last;
    for (const memory of this.#memories) memory.dispose();
    await this.#session.release();
  }

  #tensors(
    feeds: Readonly<Record<string, Tensor>>,
    placed: Readonly<Record<string, PlacedFeed>>,
  ): Record<string, OrtTensor> {
    const tensors: Record<string, OrtTensor> = {};
    for (const [name, { dtype, data, shape }] of Object.entries(feeds)) {
      tensors[name] = new this.#ort.Tensor(dtype, data, shape);
    }
    for (const [name, { buffer, shape }] of Object.entries(placed)) {
      tensors[name] = this.#ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: shape });
    }
    return tensors;
  }
}

/** Adds the lent feeds to the outputs; in this thread they never moved. */
function withLent(
  outputs: Record<string, Tensor>,
  feeds: Readonly<Record<string, Tensor>>,
  lend: readonly string[],
): Record<string, Tensor> {
  for (const name of lend) {
    const feed = feeds[name];
    if (feed !== undefined) outputs[name] = feed;
  }
  return outputs;
}

/** An output in JavaScript's memory; what is on the GPU comes from there, and is given back. */
async function tensorOf(name: string, result: OrtTensor | undefined): Promise<Tensor> {
  const { type: dtype, dims: shape } = result ?? { type: 'no tensor', dims: [] };
  const data = await result?.getData(true);
  if (dtype === 'float32' && data instanceof Float32Array) return { dtype, shape, data };
  if (dtype === 'int64' && data instanceof BigInt64Array) return { dtype, shape, data };
  if (dtype === 'int32' && data instanceof Int32Array) return { dtype, shape, data };
  if (dtype === 'bool' && data instanceof Uint8Array) return { dtype, shape, data };
  throw new SessionError({ what: `output "${name}"`, expected: 'float32, int64, int32 or bool', found: dtype });
}

function checkPorts({ inputNames, outputNames }: InferenceSession, ports: Ports): void {
  const [inputs, outputs] = [namesOf(ports.inputs), namesOf(ports.outputs)];
  const hasAll = (names: readonly string[], wanted: readonly string[]) => wanted.every(name => names.includes(name));
  if (hasAll(inputNames, inputs) && hasAll(inputs, inputNames) && hasAll(outputNames, outputs)) return;
  const listed = (inputs: readonly string[], outputs: readonly string[]) =>
    `inputs ${inputs.join(', ')} and outputs ${outputs.join(', ')}`;
  throw new SessionError({
    what: 'ports of the graph',
    expected: `${listed(inputs, outputs)}, as the manifest says`,
    found: listed(inputNames, outputNames),
    next: 'They are of different conversions: convert the model again.',
  });
}

function namesOf(ports: readonly { readonly name: string }[]): readonly string[] {
  return ports.map(port => port.name);
}
