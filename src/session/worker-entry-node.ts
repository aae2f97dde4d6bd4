/**
 * The other end of `worker-node.ts`: a thread that owns ONNX Runtime sessions and runs them, one call after another.
 */
import { parentPort } from 'node:worker_threads';
import { SessionError } from '../core/errors.ts';
import { nodeProvider } from './node-session.ts';
import type { GraphSession } from './session.ts';
import {
  buffersOf,
  packError,
  type WorkerCall,
  type WorkerReply,
  type WorkerRequest,
  type WorkerResults,
} from './worker-protocol.ts';

const sessions = new Map<number, GraphSession>();

parentPort?.on('message', async ({ id, call }: WorkerRequest) => {
  try {
    const result = await answer(call);
    reply({ id, result }, call.kind === 'run' ? buffersOf(Object.values(result as WorkerResults['run'])) : []);
  } catch (error) {
    reply({ id, error: packError(error) }, []);
  }
});

async function answer(call: WorkerCall): Promise<WorkerResults[keyof WorkerResults]> {
  if (call.kind === 'open') {
    const session = await nodeProvider.open(call.files, call.ports, call.options);
    sessions.set(call.session, session);
    return session.device;
  }
  const session = sessions.get(call.session);
  if (session === undefined)
    throw new SessionError({ what: 'session in worker', found: `none of number ${call.session}` });
  if (call.kind === 'run') return session.run(call.feeds, call.fetches, call.lend);
  sessions.delete(call.session);
  await session.dispose();
  return null;
}

function reply(message: WorkerReply, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}
