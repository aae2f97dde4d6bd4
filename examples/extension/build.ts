/**
 * Builds the extension: `npm run extension`, or with `-- FOLDER` (tmp/extension); then load the folder as an unpacked
 * extension. The bundled reader is converted on the way.
 */
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { convert, withPreset } from '../../converters/index.ts';
import { directorySink, splitPath } from '../../src/node.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MODEL = path.join(ROOT, 'examples/models/qa-unilm');

/** Builds the extension into a folder, whose former content goes. */
export async function buildExtension(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: ['service-worker', 'ask'].map(name => path.join(import.meta.dirname, `${name}.ts`)),
    bundle: true,
    format: 'esm',
    minify: true,
    outdir: folder,
    logLevel: 'error',
  });
  for (const name of ['manifest.json', 'ask.html', 'ask.css']) {
    await copyFile(path.join(import.meta.dirname, name), path.join(folder, name));
  }
  const wasm = 'ort-wasm-simd-threaded.wasm';
  await copyFile(path.join(ROOT, 'node_modules/onnxruntime-web/dist', wasm), path.join(folder, wasm));
  const checkpoint = await splitPath(path.join(MODEL, 'bert_model.ckpt'));
  const [config, vocab] = await Promise.all(['config.json', 'vocab.txt'].map(name => readFile(path.join(MODEL, name))));
  if (config === undefined) throw new Error('no configuration');
  const files = { checkpoint, config, ...(vocab && { vocab }) };
  await convert(withPreset('seq2seq-rc', files), await directorySink(path.join(folder, 'model')));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = path.resolve(process.argv[2] ?? path.join(ROOT, 'tmp/extension'));
  await buildExtension(folder);
  console.log(`Load ${folder} as an unpacked extension (chrome://extensions, developer mode).`);
}
