/**
 * The other end of `worker-web.ts`: a worker that owns ONNX Runtime sessions and their caches. Bundlers find it by its
 * address in `web.ts`; others serve it as a module of its own.
 */
import type { WebRuntime } from './web-ort.ts';
import { webProvider } from './web-session.ts';
import type { WorkerRequest } from './worker-protocol.ts';
import { serveRequests } from './worker-server.ts';

/** A request with where ONNX Runtime's files are, which the first one settles. */
export interface WebWorkerRequest extends WorkerRequest {
  readonly runtime: WebRuntime;
}

let serve: ReturnType<typeof serveRequests> | undefined;

function listen({ data }: MessageEvent<WebWorkerRequest>): void {
  serve ??= serveRequests(webProvider(data.runtime), (message, transfer) => self.postMessage(message, { transfer }));
  void serve(data);
}

// Bundled with ONNX Runtime, this file is also what its threads start from; those listen to it alone.
if (!self.name.startsWith('em-pthread')) self.addEventListener('message', listen);
