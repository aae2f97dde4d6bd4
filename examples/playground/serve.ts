/**
 * Bundles and serves the playground: `npm run playground`, or with `-- PORT` (8080), then open the address it prints.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = path.resolve(import.meta.dirname, '../..');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** All that the page needs; WebAssembly is compiled, and nothing else is made from strings. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Prefix → folder, the longest first. */
const FOLDERS: readonly (readonly [string, string])[] = [
  ['/models/', path.join(ROOT, 'examples/models')],
  ['/ort/', path.join(ROOT, 'node_modules/onnxruntime-web/dist')],
  ['/jieba.bin', path.join(ROOT, 'src/tokenizers/jieba/jieba.bin')],
  ['/', import.meta.dirname],
];

/** Serves the playground on a port, 0 for any that is free. */
export async function servePlayground(port: number): Promise<Server> {
  const scripts = await bundle();
  const server = createServer(async ({ url = '/' }, response) => {
    const name = decodeURIComponent(new URL(url, 'http://localhost').pathname.replace(/\/$/, '/index.html'));
    const bytes = scripts.get(name) ?? (await readFile(locate(name)).catch(() => undefined));
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('content-type', TYPES[path.extname(name)] ?? 'application/octet-stream');
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  return server;
}

function locate(name: string): string {
  const [prefix, folder] = FOLDERS.find(([start]) => name.startsWith(start)) ?? ['/', import.meta.dirname];
  const rest = path.posix.normalize(`/${name.slice(prefix.length)}`);
  return rest === '/' ? folder : path.join(folder, rest);
}

async function bundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: {
      main: path.join(import.meta.dirname, 'main.ts'),
      'convert-worker': path.join(import.meta.dirname, 'convert-worker.ts'),
      'session/web-worker': path.join(ROOT, 'src/session/web-worker.ts'),
    },
    bundle: true,
    format: 'esm',
    minify: true,
    write: false,
    outdir: '/',
    conditions: ['onnxruntime-web-use-extern-wasm'],
  });
  return new Map(outputFiles.map(({ path: file, contents }) => [file, contents]));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = await servePlayground(Number(process.argv[2] ?? 8080));
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}
