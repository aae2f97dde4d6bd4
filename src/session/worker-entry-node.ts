/**
 * The other end of `worker-node.ts`: a thread that owns ONNX Runtime sessions and runs them, one call after another.
 */
import { parentPort } from 'node:worker_threads';
import { SessionError } from '../core/errors.ts';
import { nodeProvider } from './node-session.ts';
import { serveCaches } from './remote-cache.ts';
import type { GraphSession } from './session.ts';
import {
  buffersOf,
  type CacheRequest,
  packError,
  type WorkerCall,
  type WorkerReply,
  type WorkerRequest,
  type WorkerResults,
} from './worker-protocol.ts';

const sessions = new Map<number, GraphSession>();

const answerCache = serveCaches(sessionOf);

/** Settles when every call so far is answered: calls rely on those before them. */
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (request: WorkerRequest | CacheRequest) => {
  last = last.then(() => serve(request));
});

async function serve({ id, call }: WorkerRequest | CacheRequest): Promise<void> {
  try {
    if ('cache' in call) {
      const result = await answerCache(call);
      reply({ id, result }, result === null ? [] : [result.buffer as ArrayBuffer]);
      return;
    }
    const result = await answer(call);
    reply({ id, result }, call.kind === 'run' ? buffersOf(Object.values(result as WorkerResults['run'])) : []);
  } catch (error) {
    reply({ id, error: packError(error) }, []);
  }
}

async function answer(call: WorkerCall): Promise<WorkerResults[keyof WorkerResults]> {
  if (call.kind === 'open') {
    const session = await nodeProvider.open(call.files, call.ports, call.options);
    sessions.set(call.session, session);
    return session.device;
  }
  const session = sessionOf(call.session);
  if (call.kind === 'run') return session.run(call.feeds, call.fetches, call.lend);
  sessions.delete(call.session);
  await session.dispose();
  return null;
}

function sessionOf(session: number): GraphSession {
  const open = sessions.get(session);
  if (open === undefined) throw new SessionError({ what: 'session in worker', found: `none of number ${session}` });
  return open;
}

function reply(message: WorkerReply, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}
