/**
 * One worker thread as a function from calls to promises. A thread that dies rejects the calls it had, and the next call
 * starts another.
 */
import { Worker } from 'node:worker_threads';
import { messageOf, SessionError } from '../core/errors.ts';
import type { CacheCall, CacheResult } from './remote-cache.ts';
import { unpackError, type WorkerCall, type WorkerReply, type WorkerResults } from './worker-protocol.ts';

/** A live thread. Identity matters: sessions opened in it are gone with it. */
export interface WorkerThread {
  /** Calls waiting for an answer. */
  readonly pending: number;
  /** False once the thread has ended. */
  readonly alive: boolean;
  /** Sends a call, moving the buffers in `transfer`. @throws SessionError when the thread ends first. */
  call<C extends WorkerCall>(call: C, transfer?: readonly ArrayBuffer[]): Promise<WorkerResults[C['kind']]>;
  /** Sends a call that concerns a cache. */
  callCache(call: CacheCall, transfer?: readonly ArrayBuffer[]): Promise<CacheResult>;
  /** Ends the thread, whatever it is doing. */
  terminate(): Promise<void>;
}

/** Starts a thread that serves sessions. It keeps the process alive only while calls are waiting. */
export function startWorkerThread(): WorkerThread {
  return new SessionThread();
}

// The entry lies beside this file, as TypeScript when run from source and as JavaScript when built. A worker does not
// inherit a loader that its parent registered, so from source it registers tsx itself.
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const ENTRY = new URL(`./worker-entry-node${FROM_SOURCE ? '.ts' : '.js'}`, import.meta.url);

function startThread(): Worker {
  if (!FROM_SOURCE) return new Worker(ENTRY);
  const start = `import('tsx/esm/api').then(tsx => { tsx.register(); return import(${JSON.stringify(ENTRY.href)}); })`;
  return new Worker(start, { eval: true });
}

interface Waiting {
  readonly resolve: (result: WorkerReply) => void;
  readonly reject: (error: SessionError) => void;
}

class SessionThread implements WorkerThread {
  alive = true;
  #ending = false;
  readonly #worker = startThread();
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on('messageerror', error => this.#end(messageOf(error)));
    this.#worker.on('error', error => this.#end(messageOf(error)));
    this.#worker.on('exit', code => this.#end(`it ended with code ${code}`));
  }

  get pending(): number {
    return this.#waiting.size;
  }

  async call<C extends WorkerCall>(call: C, transfer: readonly ArrayBuffer[] = []): Promise<WorkerResults[C['kind']]> {
    return (await this.#send(call, transfer)) as WorkerResults[C['kind']];
  }

  async callCache(call: CacheCall, transfer: readonly ArrayBuffer[] = []): Promise<CacheResult> {
    return (await this.#send(call, transfer)) as CacheResult;
  }

  async terminate(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
  }

  async #send(call: WorkerCall | CacheCall, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    if (!this.alive) throw threadEnded('it has ended');
    const request = { id: this.#nextId++, call };
    const answered = new Promise<WorkerReply>((resolve, reject) => this.#waiting.set(request.id, { resolve, reject }));
    this.#worker.ref();
    this.#worker.postMessage(request, transfer);
    const reply = await answered;
    if ('error' in reply) throw unpackError(reply.error);
    return reply.result;
  }

  #settle(reply: WorkerReply): void {
    this.#waiting.get(reply.id)?.resolve(reply);
    this.#waiting.delete(reply.id);
    // Whoever waits for its end is to see it.
    if (this.#waiting.size === 0 && !this.#ending) this.#worker.unref();
  }

  #end(found: string): void {
    this.alive = false;
    for (const { reject } of this.#waiting.values()) reject(threadEnded(found));
    this.#waiting.clear();
  }
}

function threadEnded(found: string): SessionError {
  return new SessionError({ what: 'session worker', found, next: 'The next run starts a fresh one.' });
}
