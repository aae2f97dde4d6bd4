/**
 * A graph session over ONNX Runtime's JavaScript API, the same in Node and the browser: checks, tensor conversion without
 * copies, one run at a time, typed errors.
 */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { messageOf, SessionError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkRun } from './feeds.ts';
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

/**
 * Wraps a created ONNX Runtime session.
 * @throws SessionError when the graph lacks a port that the manifest promises.
 */
export function wrapOrtSession(
  ort: OrtModule,
  session: InferenceSession,
  ports: Ports,
  device: DeviceChoice,
): GraphSession {
  checkPorts(session, ports);
  return new OrtGraphSession(ort, session, ports, device);
}

class OrtGraphSession implements GraphSession {
  readonly inputs: Ports['inputs'];
  readonly outputs: Ports['outputs'];
  readonly device: DeviceChoice;
  readonly #ort: OrtModule;
  readonly #session: InferenceSession;
  /** Settles when every run asked for so far has; a new run starts after it. */
  #last: Promise<void> = Promise.resolve();
  #disposed = false;

  constructor(ort: OrtModule, session: InferenceSession, ports: Ports, device: DeviceChoice) {
    this.#ort = ort;
    this.#session = session;
    this.inputs = ports.inputs;
    this.outputs = ports.outputs;
    const { hardware } = device;
    this.device = { device: device.device, reason: device.reason, ...(hardware !== undefined && { hardware }) };
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    lend: readonly string[] = [],
  ): Promise<Readonly<Record<string, Tensor>>> {
    if (this.#disposed) throw new SessionError({ what: 'run of a graph', found: 'its session was disposed' });
    checkRun(this, feeds, fetches);
    const turn = this.#last.then(() => this.#runNow(feeds, fetches));
    // Not a promise of the outputs, which would be kept until the next run.
    const done = (): void => undefined;
    this.#last = turn.then(done, done);
    return withLent(await turn, feeds, lend);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#last;
    await this.#session.release();
  }

  async #runNow(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): Promise<Record<string, Tensor>> {
    const ortFeeds: Record<string, OrtTensor> = {};
    for (const [name, { dtype, data, shape }] of Object.entries(feeds)) {
      ortFeeds[name] = new this.#ort.Tensor(dtype, data, shape);
    }
    const results = await this.#session.run(ortFeeds, fetches).catch((cause: unknown) => {
      throw new SessionError({ what: 'run of a graph', found: messageOf(cause) }, { cause });
    });
    return Object.fromEntries(fetches.map(name => [name, tensorOf(name, results[name])]));
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

function tensorOf(name: string, result: OrtTensor | undefined): Tensor {
  const { data, type: dtype, dims: shape } = result ?? { data: undefined, type: 'no tensor', dims: [] };
  if (dtype === 'float32' && data instanceof Float32Array) return { dtype, shape, data };
  if (dtype === 'int64' && data instanceof BigInt64Array) return { dtype, shape, data };
  if (dtype === 'int32' && data instanceof Int32Array) return { dtype, shape, data };
  if (dtype === 'bool' && data instanceof Uint8Array) return { dtype, shape, data };
  throw new SessionError({ what: `output "${name}"`, expected: 'float32, int64, int32 or bool', found: dtype });
}

function checkPorts(session: InferenceSession, ports: Ports): void {
  const missing = [
    ...ports.inputs.filter(port => !session.inputNames.includes(port.name)),
    ...ports.outputs.filter(port => !session.outputNames.includes(port.name)),
    ...session.inputNames.filter(name => !ports.inputs.some(port => port.name === name)).map(name => ({ name })),
  ].map(port => port.name);
  if (missing.length === 0) return;
  throw new SessionError({
    what: 'ports of the graph',
    expected: `inputs ${namesOf(ports.inputs)} and outputs ${namesOf(ports.outputs)}, as the manifest says`,
    found: `inputs ${session.inputNames.join(', ')} and outputs ${session.outputNames.join(', ')}`,
    next: 'The graph file and the manifest are from different conversions; convert the model again.',
  });
}

function namesOf(ports: readonly { readonly name: string }[]): string {
  return ports.map(port => port.name).join(', ');
}
