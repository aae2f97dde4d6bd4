/**
 * Sessions in a web worker, so that a page stays responsive while graphs are opened and run. Weights, outputs and lent
 * feeds are moved between the threads; other feeds are copied once. Caches stay in the worker.
 */
import { SessionError } from '../core/errors.ts';
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkRun } from './feeds.ts';
import { type CacheCall, type CacheLink, type CacheResult, remoteStepCache } from './remote-cache.ts';
import { runFailure } from './run-failure.ts';
import type { DeviceChoice, GraphFiles, GraphSession, Ports, SessionOptions, SessionProvider } from './session.ts';
import type { StepCache } from './step-cache.ts';
import type { WebRuntime } from './web-ort.ts';
import type { WebWorkerRequest } from './web-worker.ts';
import {
  buffersOf,
  movable,
  unpackError,
  type WorkerCall,
  type WorkerReply,
  type WorkerResults,
} from './worker-protocol.ts';

/**
 * Opens sessions in one worker, which starts with the first and ends with the last. The memory of the files that are
 * handed to `open` moves to the worker: nobody else may be using it.
 * @param start starts a worker that runs `web-worker.ts`.
 */
export function webWorkerProvider(start: () => Worker, runtime: WebRuntime = {}): SessionProvider {
  return new WorkerSessions(start, runtime);
}

class WorkerSessions implements SessionProvider {
  readonly #start: () => Worker;
  readonly #runtime: WebRuntime;
  #thread: WebThread | undefined;
  #nextSession = 0;
  #open = 0;

  constructor(start: () => Worker, runtime: WebRuntime) {
    this.#start = start;
    this.#runtime = runtime;
  }

  async open(files: GraphFiles, ports: Ports, options: SessionOptions): Promise<GraphSession> {
    if (this.#thread?.alive !== true) this.#thread = new WebThread(this.#start(), this.#runtime);
    const thread = this.#thread;
    const session = this.#nextSession++;
    const { inputs, outputs } = ports;
    this.#open++;
    try {
      const call = { kind: 'open', session, files, ports: { inputs, outputs }, options } as const;
      const device = await thread.call(call, fileBuffers(files));
      return new WorkerGraphSession({ thread, session, device, inputs, outputs, release: () => this.#release() });
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #release(): void {
    if (--this.#open > 0) return;
    this.#thread?.end('it was closed');
    this.#thread = undefined;
  }
}

interface OpenedSession extends Ports {
  readonly thread: WebThread;
  readonly session: number;
  readonly device: DeviceChoice;
  readonly release: () => void;
}

class WorkerGraphSession implements GraphSession {
  readonly inputs: Ports['inputs'];
  readonly outputs: Ports['outputs'];
  readonly device: DeviceChoice;
  readonly #opened: OpenedSession;
  #last: Promise<void> = Promise.resolve();
  #disposal: Promise<void> | undefined;

  constructor(opened: OpenedSession) {
    this.#opened = opened;
    this.inputs = opened.inputs;
    this.outputs = opened.outputs;
    this.device = opened.device;
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    lend: readonly string[] = [],
  ): Promise<Readonly<Record<string, Tensor>>> {
    this.#checkOpen();
    checkRun(this, feeds, fetches);
    const { thread, session } = this.#opened;
    const moved = movable(feeds, lend);
    const call = { kind: 'run', session, feeds: moved, fetches, lend } as const;
    return this.#track(thread.call(call, buffersOf(Object.values(moved))));
  }

  openCache(dimensions: Dimensions): StepCache {
    const { thread, session } = this.#opened;
    const link: CacheLink = {
      get alive() {
        return thread.alive;
      },
      send: call => this.#sendCache(call),
    };
    return remoteStepCache(link, dimensions, { cache: thread.nextCache(), session });
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.#last;
    const { thread, session, release } = this.#opened;
    const disposed = thread.call({ kind: 'dispose', session }).catch((error: unknown) => {
      // A worker that ended has given everything back.
      if (thread.alive) throw error;
    });
    await disposed.finally(release);
  }

  #checkOpen(): void {
    if (this.#disposal !== undefined) throw runFailure();
  }

  async #sendCache(call: CacheCall): Promise<CacheResult> {
    this.#checkOpen();
    const feeds = call.kind === 'runCache' ? Object.values(call.feeds) : [];
    return this.#track(this.#opened.thread.call(call, buffersOf(feeds)));
  }

  /** Keeps `dispose` waiting for what is under way. */
  #track<T>(running: Promise<T>): Promise<T> {
    const last = this.#last;
    // Not a promise of the result, which would be kept for as long as the session.
    const done = (): Promise<void> => last;
    this.#last = running.then(done, done);
    return running;
  }
}

interface Waiting {
  readonly resolve: (reply: WorkerReply) => void;
  readonly reject: (error: SessionError) => void;
}

/** One worker as a function from calls to promises. */
class WebThread {
  alive = true;
  readonly #worker: Worker;
  readonly #runtime: WebRuntime;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #nextCache = 0;

  constructor(worker: Worker, runtime: WebRuntime) {
    this.#worker = worker;
    this.#runtime = runtime;
    worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => {
      this.#waiting.get(data.id)?.resolve(data);
      this.#waiting.delete(data.id);
    };
    worker.onerror = event => this.end(event.message ?? 'its file could not be loaded');
    worker.onmessageerror = () => this.end('a message could not be read');
  }

  /** A number for a cache that no other has. */
  nextCache(): number {
    return this.#nextCache++;
  }

  /** Ends the worker, whatever it is doing. */
  end(found: string): void {
    this.alive = false;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(workerEnded(found));
    this.#waiting.clear();
  }

  /** Sends a call, moving the buffers in `transfer`. @throws SessionError when the worker ends first. */
  call<C extends WorkerCall>(call: C, transfer?: ArrayBuffer[]): Promise<WorkerResults[C['kind']]>;
  call(call: CacheCall, transfer: ArrayBuffer[]): Promise<CacheResult>;
  async call(call: WorkerCall | CacheCall, transfer: ArrayBuffer[] = []): Promise<unknown> {
    if (!this.alive) throw workerEnded('it has ended');
    const request: WebWorkerRequest = { id: this.#nextId++, call, runtime: this.#runtime };
    const answered = new Promise<WorkerReply>((resolve, reject) => this.#waiting.set(request.id, { resolve, reject }));
    this.#worker.postMessage(request, transfer);
    const reply = await answered;
    if ('error' in reply) throw unpackError(reply.error);
    return reply.result;
  }
}

function workerEnded(found: string): SessionError {
  const next = 'Serve web-worker.js beside the bundle, or give `worker`; load the model again.';
  return new SessionError({ what: 'session worker', found, next });
}

function fileBuffers(files: GraphFiles): ArrayBuffer[] {
  if ('path' in files) return [];
  return buffersOf([files.graph, ...files.data.map(({ bytes }) => bytes)].map(data => ({ data })));
}
