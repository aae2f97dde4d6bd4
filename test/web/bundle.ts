/**
 * The page of the browser tests, bundled as a user of esbuild would: the page and each worker as an entry.
 */
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Folder of ONNX Runtime's files, to be served. */
export const ORT_FOLDER = path.join(ROOT, 'node_modules/onnxruntime-web/dist');

/** Bundles the page into `folder`: `page.js`, `convert-worker.js`, `session/web-worker.js`, `jieba.bin`. */
export async function bundlePage(folder: string): Promise<void> {
  await build({
    entryPoints: {
      page: path.join(ROOT, 'test/web/page.ts'),
      'convert-worker': path.join(ROOT, 'test/web/convert-worker.ts'),
      'session/web-worker': path.join(ROOT, 'src/session/web-worker.ts'),
    },
    bundle: true,
    format: 'esm',
    outdir: folder,
    logLevel: 'error',
    conditions: ['onnxruntime-web-use-extern-wasm'],
  });
  await copyFile(path.join(ROOT, 'src/tokenizers/jieba/jieba.bin'), path.join(folder, 'jieba.bin'));
}
