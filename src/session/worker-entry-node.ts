/**
 * The other end of `worker-node.ts`: a thread that owns ONNX Runtime sessions and their caches.
 */
import { parentPort } from 'node:worker_threads';
import { nodeProvider } from './node-session.ts';
import type { WorkerRequest } from './worker-protocol.ts';
import { serveRequests } from './worker-server.ts';

const serve = serveRequests(nodeProvider, (message, transfer) => parentPort?.postMessage(message, transfer));

parentPort?.on('message', (request: WorkerRequest) => void serve(request));
// Whoever sent it waits for an answer; the end of this thread is one.
parentPort?.on('messageerror', (error: Error) => {
  throw error;
});
