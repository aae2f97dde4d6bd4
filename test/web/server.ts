/**
 * A small HTTP server for browser tests: folders and files under prefixes, ranges, ETags, isolation headers, and faults on
 * order.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/**
 * Milliseconds between the last byte and the cut: a browser throws away what a page has not read when a connection breaks.
 */
const BEFORE_CUT = 300;

/** What can go wrong with a path; each is used up by one request that it applies to. */
export interface Fault {
  /** Bytes of the answer's body after which the connection is cut. */
  readonly cutAfter?: number;
  /** Bytes of the answer's body after which nothing more comes. */
  readonly stallAfter?: number;
  /** Called when that is reached. */
  readonly noticed?: () => void;
  /** A status to answer with. */
  readonly status?: number;
}

/** A running server. */
export interface TestServer {
  readonly origin: string;
  /** Prefix, with slashes around, → folder. */
  readonly folders: Map<string, string>;
  /** Path → bytes, looked up before folders. */
  readonly files: Map<string, Uint8Array>;
  /** Path → faults still to come. */
  readonly faults: Map<string, Fault[]>;
  /** `METHOD path range` of each request, in order. */
  readonly log: string[];
  /** Settings that tests may change. */
  readonly settings: { isolated: boolean; ranges: boolean; down: boolean };
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Starts a server on a free port. */
export async function startServer(): Promise<TestServer> {
  const state = {
    folders: new Map<string, string>(),
    files: new Map<string, Uint8Array>(),
    faults: new Map<string, Fault[]>(),
    log: [] as string[],
    settings: { isolated: true, ranges: true, down: false },
  };
  const server = createServer((request, response) => void answer(state, request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...state,
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type State = Omit<TestServer, 'origin' | 'close'>;

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const name = decodeURIComponent(pathname);
  state.log.push(`${request.method} ${name} ${request.headers.range ?? ''}`.trim());
  const fault = state.faults.get(name)?.shift();
  if (state.settings.down) return void response.destroy();
  if (state.settings.isolated) {
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
  }
  const bytes = await find(state, name);
  if (bytes === undefined || fault?.status !== undefined) {
    response.writeHead(fault?.status ?? 404).end();
    return;
  }
  send(bytes, name, { request, response, ranges: state.settings.ranges, fault });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly ranges: boolean;
  readonly fault: Fault | undefined;
}

function send(bytes: Uint8Array, name: string, { request, response, ranges, fault }: Exchange): void {
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
  response.setHeader('content-type', TYPES[path.extname(name)] ?? 'application/octet-stream');
  response.setHeader('etag', etag);
  if (ranges) response.setHeader('accept-ranges', 'bytes');
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  let body = bytes;
  if (ranges && asked !== null && (condition === undefined || condition === etag)) {
    const from = Number(asked[1]);
    const to = asked[2] === '' ? bytes.length - 1 : Math.min(Number(asked[2]), bytes.length - 1);
    if (from > to) return void response.writeHead(416).end();
    body = bytes.subarray(from, to + 1);
    response.setHeader('content-range', `bytes ${from}-${to}/${bytes.length}`);
    response.statusCode = 206;
  }
  response.setHeader('content-length', body.length);
  if (request.method === 'HEAD') return void response.end();
  if (fault?.stallAfter !== undefined) return void response.write(body.subarray(0, fault.stallAfter), fault.noticed);
  if (fault?.cutAfter === undefined) return void response.end(body);
  response.write(body.subarray(0, fault.cutAfter), () => setTimeout(() => response.destroy(), BEFORE_CUT));
}

async function find(state: State, name: string): Promise<Uint8Array | undefined> {
  const bytes = state.files.get(name);
  if (bytes !== undefined) return bytes;
  for (const [prefix, folder] of state.folders) {
    if (!name.startsWith(prefix)) continue;
    const file = path.join(folder, name.slice(prefix.length));
    return readFile(file).catch(() => undefined);
  }
  return undefined;
}
