/**
 * The other end of `worker-web.ts`: a worker that owns ONNX Runtime sessions and runs them. Bundlers find it by its
 * address in `web.ts`; others serve it as a module of its own.
 */
import { SessionError } from '../core/errors.ts';
import type { GraphSession, SessionProvider } from './session.ts';
import type { WebRuntime } from './web-ort.ts';
import { webProvider } from './web-session.ts';
import {
  buffersOf,
  packError,
  type WorkerCall,
  type WorkerReply,
  type WorkerRequest,
  type WorkerResults,
} from './worker-protocol.ts';

/** A request with where ONNX Runtime's files are. */
export interface WebWorkerRequest extends WorkerRequest {
  readonly runtime: WebRuntime;
}

const sessions = new Map<number, GraphSession>();
let provider: SessionProvider | undefined;

async function serve({ data: { id, call, runtime } }: MessageEvent<WebWorkerRequest>): Promise<void> {
  try {
    provider ??= webProvider(runtime);
    const result = await answer(provider, call);
    reply({ id, result }, call.kind === 'run' ? buffersOf(Object.values(result as WorkerResults['run'])) : []);
  } catch (error) {
    reply({ id, error: packError(error) }, []);
  }
}

async function answer(from: SessionProvider, call: WorkerCall): Promise<WorkerResults[keyof WorkerResults]> {
  if (call.kind === 'open') {
    const session = await from.open(call.files, call.ports, call.options);
    sessions.set(call.session, session);
    return session.device;
  }
  const session = sessions.get(call.session);
  if (session === undefined) {
    throw new SessionError({ what: 'session in worker', found: `none of number ${call.session}` });
  }
  if (call.kind === 'run') return session.run(call.feeds, call.fetches, call.lend);
  sessions.delete(call.session);
  await session.dispose();
  return null;
}

function reply(message: WorkerReply, transfer: ArrayBuffer[]): void {
  self.postMessage(message, { transfer });
}

// Bundled with ONNX Runtime, this file is also what its threads start from; those listen to it alone.
if (!self.name.startsWith('em-pthread')) self.addEventListener('message', serve);
