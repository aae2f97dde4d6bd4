/**
 * Sessions in worker threads. A run of ONNX Runtime in Node is a synchronous native call; in a worker it leaves this
 * thread's event loop free. Outputs and lent feeds are moved between threads, other feeds are copied once.
 */
import type { Dimensions } from '../core/manifest.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkRun } from './feeds.ts';
import { checkCount, defaultThreads } from './hardware-node.ts';
import { type CacheCall, type CacheLink, type CacheResult, remoteStepCache } from './remote-cache.ts';
import { runFailure } from './run-failure.ts';
import type { DeviceChoice, GraphFiles, GraphSession, Ports, SessionOptions, SessionProvider } from './session.ts';
import type { StepCache } from './step-cache.ts';
import { buffersOf, movable, type WorkerCall } from './worker-protocol.ts';
import { startWorkerThread, type WorkerThread } from './worker-thread-node.ts';

/**
 * Opens sessions in worker threads; the threads start with the first session and end with the last. When a thread dies,
 * the runs it had are rejected with a SessionError and the next run starts a fresh one.
 * @param workers threads that hold sessions, at least 1. Each opens every session itself, so that runs of one session, and
 * caches, are spread over them. On a CPU one with all cores beats several that share them, except for many tiny runs.
 * @param start starts a thread; another function can stand in for it in tests.
 * @throws ConfigError for a number out of range.
 */
export function workerProvider(workers: number = 1, start: () => WorkerThread = startWorkerThread): SessionProvider {
  const pool = new WorkerPool(checkCount('workers', workers, 1), start);
  return { open: (files, ports, sessionOptions) => pool.open(files, ports, sessionOptions) };
}

type OpenCall = Extract<WorkerCall, { kind: 'open' }>;

class WorkerPool {
  readonly #threads: (WorkerThread | undefined)[];
  readonly #start: () => WorkerThread;
  #sessions = 0;
  #nextSession = 0;
  #nextCache = 0;

  constructor(size: number, start: () => WorkerThread) {
    this.#start = start;
    this.#threads = new Array<WorkerThread | undefined>(size).fill(undefined);
  }

  get size(): number {
    return this.#threads.length;
  }

  /** Opens the graph in every thread, so that what is wrong with it shows now. */
  async open(files: GraphFiles, ports: Ports, options: SessionOptions): Promise<GraphSession> {
    const threads = options.threads ?? Math.max(1, Math.floor(defaultThreads() / this.size));
    const call: OpenCall = {
      kind: 'open',
      session: this.#nextSession++,
      files,
      ports: { inputs: ports.inputs, outputs: ports.outputs },
      options: { ...options, threads },
    };
    const session = new WorkerGraphSession(this, call);
    this.#sessions++;
    // Every thread is waited for: ending one that is inside ONNX Runtime ends the process.
    const opened = await Promise.allSettled(this.live().map(thread => session.openIn(thread)));
    const failed = opened.find(outcome => outcome.status === 'rejected');
    if (failed === undefined) return session;
    await session.dispose();
    throw failed.reason;
  }

  /** A number for a cache that no other has. */
  nextCache(): number {
    return this.#nextCache++;
  }

  /** The threads, with a fresh one in the place of each that ended. */
  live(): readonly WorkerThread[] {
    this.#threads.forEach((thread, i) => {
      if (thread?.alive !== true) this.#threads[i] = this.#start();
    });
    return this.#threads.filter(thread => thread !== undefined);
  }

  /** The thread with the fewest calls. */
  leastBusy(): WorkerThread {
    return this.live().reduce((best, thread) => (thread.pending < best.pending ? thread : best));
  }

  /** One session less; after the last, no threads. */
  async release(): Promise<void> {
    if (--this.#sessions > 0) return;
    const threads = this.#threads.splice(0, this.#threads.length, ...this.#threads.map(() => undefined));
    await Promise.all(threads.map(thread => thread?.terminate()));
  }
}

class WorkerGraphSession implements GraphSession {
  readonly inputs: Ports['inputs'];
  readonly outputs: Ports['outputs'];
  readonly #pool: WorkerPool;
  readonly #call: OpenCall;
  /** Threads in which the session is open, or being opened. */
  readonly #opened = new Map<WorkerThread, Promise<DeviceChoice>>();
  readonly #running = new Set<Promise<unknown>>();
  #device: DeviceChoice = { device: 'cpu', reason: 'not opened yet' };
  #disposal: Promise<void> | undefined;

  constructor(pool: WorkerPool, call: OpenCall) {
    this.#pool = pool;
    this.#call = call;
    this.inputs = call.ports.inputs;
    this.outputs = call.ports.outputs;
  }

  get device(): DeviceChoice {
    return this.#device;
  }

  get workers(): number {
    return this.#pool.size;
  }

  /** Opens the session in a thread, once. */
  async openIn(thread: WorkerThread): Promise<void> {
    for (const other of this.#opened.keys()) if (!other.alive) this.#opened.delete(other);
    const opened = this.#opened.get(thread) ?? thread.call(this.#call);
    this.#opened.set(thread, opened);
    try {
      this.#device = await opened;
    } catch (error) {
      this.#opened.delete(thread);
      throw error;
    }
  }

  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    lend: readonly string[] = [],
  ): Promise<Readonly<Record<string, Tensor>>> {
    return this.#track(this.#run(feeds, fetches, lend));
  }

  openCache(dimensions: Dimensions): StepCache {
    const thread = this.#disposal === undefined ? this.#pool.leastBusy() : undefined;
    // Whoever sends something hears of it; nobody is told of an opening that nothing follows.
    if (thread !== undefined) this.openIn(thread).catch(() => undefined);
    const link: CacheLink = {
      get alive() {
        return thread?.alive === true;
      },
      send: call => this.#track(this.#sendCache(thread, call)),
    };
    return remoteStepCache(link, dimensions, { cache: this.#pool.nextCache(), session: this.#call.session });
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await Promise.allSettled(this.#running);
    try {
      await Promise.all([...this.#opened.keys()].map(thread => this.#disposeIn(thread)));
    } finally {
      await this.#pool.release();
    }
  }

  async #disposeIn(thread: WorkerThread): Promise<void> {
    try {
      if (thread.alive) await thread.call({ kind: 'dispose', session: this.#call.session });
    } catch (error) {
      // A thread that ended has given everything back.
      if (thread.alive) throw error;
    }
  }

  /** Keeps `dispose` waiting for what is under way. */
  #track<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running);
    const done = () => this.#running.delete(running);
    running.then(done, done);
    return running;
  }

  async #sendCache(thread: WorkerThread | undefined, call: CacheCall): Promise<CacheResult> {
    if (thread === undefined || this.#disposal !== undefined) throw runFailure();
    const feeds = call.kind === 'runCache' ? Object.values(call.feeds) : [];
    return thread.callCache(call, buffersOf(feeds));
  }

  async #run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    lend: readonly string[],
  ): Promise<Readonly<Record<string, Tensor>>> {
    if (this.#disposal !== undefined) throw runFailure();
    checkRun(this, feeds, fetches);
    const thread = this.#pool.leastBusy();
    const moved = movable(feeds, lend);
    const call = { kind: 'run', session: this.#call.session, feeds: moved, fetches, lend } as const;
    // Sent at once, so that the next run in this turn goes to another thread; what is sent first is done first.
    const [, outputs] = await Promise.all([this.openIn(thread), thread.call(call, buffersOf(Object.values(moved)))]);
    return outputs;
  }
}
