/**
 * Bundles the playground and serves it: `npm run playground`, or with `-- PORT` (8080), then open the address it prints.
 * `npm run playground -- FOLDER` writes it, models included, as files for any static host.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundled } from './models.ts';

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
    const name = nameOf(url);
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

/** The file that an address asks for; one that can't be decoded names none that there is. */
function nameOf(url: string): string {
  const { pathname } = new URL(url, 'http://localhost');
  try {
    return decodeURIComponent(pathname.replace(/\/$/, '/index.html'));
  } catch {
    return pathname;
  }
}

function locate(name: string): string {
  const [prefix, folder] = FOLDERS.find(([start]) => name.startsWith(start)) ?? ['/', import.meta.dirname];
  const rest = path.posix.normalize(`/${name.slice(prefix.length)}`);
  return rest === '/' ? folder : path.join(folder, rest);
}

/** Writes the playground and all that it fetches into a folder. */
export async function writePlayground(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'ort'), { recursive: true });
  for (const [name, { files }] of Object.entries(bundled)) {
    const from = path.join(ROOT, 'examples/models', name);
    // The licences' notices go with the models; some have them in their README.
    for (const file of [...files, 'NOTICE', 'README.md'].filter(file => existsSync(path.join(from, file)))) {
      await copyInto(path.join(folder, 'models', name, file), path.join(from, file));
    }
  }
  const ort = path.join(ROOT, 'node_modules/onnxruntime-web/dist');
  for (const name of (await readdir(ort)).filter(file => /^ort-wasm.*(threaded|asyncify)\.(wasm|mjs)$/.test(file))) {
    await copyFile(path.join(ort, name), path.join(folder, 'ort', name));
  }
  await copyFile(path.join(ROOT, 'src/tokenizers/jieba/jieba.bin'), path.join(folder, 'jieba.bin'));
  for (const name of await readdir(import.meta.dirname)) {
    if (!name.endsWith('.ts')) await copyFile(path.join(import.meta.dirname, name), path.join(folder, name));
  }
  for (const [name, bytes] of await bundle()) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

async function copyInto(to: string, from: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await copyFile(from, to);
}

async function bundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: {
      main: path.join(import.meta.dirname, 'main.ts'),
      'convert-worker': path.join(import.meta.dirname, 'convert-worker.ts'),
      'session/web-worker': path.join(ROOT, 'src/session/web-worker.ts'),
    },
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    write: false,
    outdir: '/',
    conditions: ['onnxruntime-web-use-extern-wasm'],
  });
  return new Map(outputFiles.map(({ path: file, contents }) => [file, contents]));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , to = '8080'] = process.argv;
  if (/^\d+$/.test(to)) {
    const server = await servePlayground(Number(to));
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } else {
    await writePlayground(path.resolve(to));
    console.log(`${path.resolve(to)}: ready for a static host`);
  }
}
