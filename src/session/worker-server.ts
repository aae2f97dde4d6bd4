/**
 * A session worker's work, the same in Node and in browsers: sessions and caches by number, calls one after another.
 */
import { numbered, serveCaches } from './remote-cache.ts';
import type { GraphSession, SessionProvider } from './session.ts';
import {
  buffersOf,
  packError,
  type WorkerCall,
  type WorkerReply,
  type WorkerRequest,
  type WorkerResults,
} from './worker-protocol.ts';

/** Sends a reply to the asking side; the buffers move with it. */
export type SendReply = (message: WorkerReply, transfer: ArrayBuffer[]) => void;

/** Answers requests over the sessions of `provider`, in their order: calls rely on those before them. */
export function serveRequests(provider: SessionProvider, send: SendReply): (request: WorkerRequest) => Promise<void> {
  const sessions = new Map<number, GraphSession>();
  const answerCache = serveCaches(session => numbered('session', sessions, session));
  let last: Promise<void> = Promise.resolve();
  const serve = async ({ id, call }: WorkerRequest): Promise<void> => {
    try {
      if ('cache' in call) {
        const result = await answerCache(call);
        return send({ id, result }, result === null ? [] : [result.buffer as ArrayBuffer]);
      }
      const result = await answer(provider, sessions, call);
      send({ id, result }, call.kind === 'run' ? buffersOf(Object.values(result as WorkerResults['run'])) : []);
    } catch (error) {
      send({ id, error: packError(error) }, []);
    }
  };
  return request => {
    last = last.then(() => serve(request));
    return last;
  };
}

async function answer(
  provider: SessionProvider,
  sessions: Map<number, GraphSession>,
  call: WorkerCall,
): Promise<WorkerResults[keyof WorkerResults]> {
  if (call.kind === 'open') {
    const session = await provider.open(call.files, call.ports, call.options);
    sessions.set(call.session, session);
    return session.device;
  }
  const session = numbered('session', sessions, call.session);
  if (call.kind === 'run') return session.run(call.feeds, call.fetches, call.lend);
  sessions.delete(call.session);
  await session.dispose();
  return null;
}
