/**
 * The built package in the hands of bundlers and of none: what of it reaches a page, how large that is, and that a page
 * made in each way answers.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { build as viteBuild } from 'vite';
import { PATIENCE } from './browser.ts';
import { html, webFixture } from './fixture.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/**
 * What the run time may weigh in a page, its worker included, in bytes, minified and under gzip; ONNX Runtime and
 * jieba's data not counted.
 */
const LARGEST = 60_000;

/** A page's script: answers `logits` of two tokens in the document's title. */
const script = (from: string, options: string): string => `
  import { loadModel } from '${from}';
  const base = new URL('/qa-unilm/', location.href).href;
  const origin = location.origin;
  try {
    const model = await loadModel(base, ${options});
    const graph = await model.openGraph('model');
    const ids = { dtype: 'int64', shape: [1, 2], data: new BigInt64Array([2n, 3n]) };
    const zeros = { ...ids, data: new BigInt64Array(2) };
    const { logits } = await graph.run({ input_ids: ids, token_type_ids: zeros }, ['logits']);
    document.title = 'logits ' + logits.shape.join(' ');
    await model.dispose();
  } catch (error) {
    document.title = String(error.stack);
  }
`;

const gzipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;

describe('the package in pages', () => {
  const web = webFixture();
  /** An installed package: built files under node_modules of a project. */
  let project = '';

  before(async function () {
    this.timeout(PATIENCE);
    project = path.join(web.folder, 'project');
    const installed = path.join(project, 'node_modules/bert4ort');
    await mkdir(installed, { recursive: true });
    await copyFile(path.join(ROOT, 'package.json'), path.join(installed, 'package.json'));
    const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    const settings = [
      '--noCheck',
      '--project',
      path.join(ROOT, 'tsconfig.build.json'),
      '--outDir',
      path.join(installed, 'dist'),
    ];
    await promisify(execFile)(process.execPath, [tsc, ...settings]);
    const data = 'src/tokenizers/jieba/jieba.bin';
    await copyFile(path.join(ROOT, data), path.join(installed, 'dist', data));
    for (const name of ['protobufjs', 'jsfive', 'onnxruntime-web']) {
      await symlink(path.join(ROOT, 'node_modules', name), path.join(project, 'node_modules', name));
    }
    await web.serve('qa-unilm');
    web.server.folders.set('/project/', project);
  });

  it(`is at most ${LARGEST} bytes with every task, without converters and Node`, async () => {
    const tasks = 'loadModel, createReader, createChat, createCompleter, createCloze, createFillMask, createEmbedder';
    await writeFile(path.join(project, 'tasks.js'), `export { ${tasks} } from 'bert4ort/web';`);
    const entries = { tasks: path.join(project, 'tasks.js'), worker: workerFile() };
    const { outputFiles, metafile } = await bundle(entries, ['onnxruntime-web'], { splitting: true });
    const sizes = outputFiles.map(({ contents }) => gzipped(contents));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.info(`    gzip: ${total} bytes`);
    assert.ok(total <= LARGEST, `${total} bytes`);
    const inputs = Object.keys(metafile.inputs);
    assert.deepEqual(
      inputs.filter(file => /\/(converters|onnx-graphs|cli|server|protobufjs|jsfive)\//.test(file)),
      [],
    );
    const imports = outputFiles.flatMap(({ text }) => [...text.matchAll(/["'](node:\w+)["']/g)].map(match => match[1]));
    assert.deepEqual(imports, []);
  });

  it('converts without ONNX Runtime and Node', async () => {
    await writeFile(path.join(project, 'converter.js'), "export * from 'bert4ort/convert';");
    const { outputFiles, metafile } = await bundle({ converter: path.join(project, 'converter.js') }, []);
    assert.deepEqual(
      Object.keys(metafile.inputs).filter(file => file.includes('onnxruntime')),
      [],
    );
    assert.doesNotMatch(outputFiles[0]?.text ?? '', /["']node:/);
  });

  it('runs from esbuild', async () => {
    await writeFile(path.join(project, 'main.js'), script('bert4ort/web', "{ wasmPaths: origin + '/ort/' }"));
    const entries = { main: path.join(project, 'main.js'), 'session/web-worker': workerFile() };
    const { outputFiles } = await bundle(entries, []);
    for (const { path: file, contents } of outputFiles) {
      web.server.files.set(`/esbuild/${path.relative(path.join(project, 'out'), file)}`, contents);
    }
    web.server.files.set('/esbuild.html', html('<script type="module" src="/esbuild/main.js"></script>'));
    await answers('/esbuild.html');
  });

  it('runs from Vite, without any setting', async () => {
    const root = path.join(project, 'vite');
    await mkdir(root);
    await writeFile(path.join(root, 'main.js'), script('bert4ort/web', '{}'));
    await writeFile(path.join(root, 'index.html'), html('<script type="module" src="./main.js"></script>'));
    await viteBuild({
      root,
      base: '/vite/',
      logLevel: 'error',
      configFile: false,
      worker: { format: 'es' },
      // The project lies outside of the folder that Vite itself is installed in.
      build: { target: 'es2022', outDir: path.join(root, 'dist'), modulePreload: { polyfill: false } },
    });
    web.server.folders.set('/vite/', path.join(root, 'dist'));
    await answers('/vite/index.html');
  });

  it('runs from a plain module script with an import map', async () => {
    const imports = {
      'bert4ort/web': '/plain/web.js',
      'onnxruntime-web/wasm': '/ort/ort.wasm.min.mjs',
      'onnxruntime-web/webgpu': '/ort/ort.webgpu.min.mjs',
    };
    const options = `{
      wasmPaths: origin + '/ort/',
      modules: { wasm: origin + '/ort/ort.wasm.min.mjs', webgpu: origin + '/ort/ort.webgpu.min.mjs' },
    }`;
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    web.server.folders.set('/plain/', await bundledPackage());
    web.server.files.set('/plain.html', html(`<script type="module">${script('bert4ort/web', options)}</script>`, map));
    await answers('/plain.html');
  });

  /** The files of the package that need no bundler. */
  async function bundledPackage(): Promise<string> {
    const folder = path.join(project, 'plain');
    const entries = {
      web: path.join(project, 'node_modules/bert4ort/dist/src/web.js'),
      'session/web-worker': workerFile(),
    };
    const { outputFiles } = await bundle(entries, ['onnxruntime-web']);
    for (const { path: file, contents } of outputFiles) {
      const target = path.join(folder, path.relative(path.join(project, 'out'), file));
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, contents);
    }
    return folder;
  }

  function workerFile(): string {
    return path.join(project, 'node_modules/bert4ort/dist/src/session/web-worker.js');
  }

  async function bundle(
    entryPoints: Record<string, string>,
    outside: readonly string[],
    { splitting = false }: { readonly splitting?: boolean } = {},
  ): Promise<{ outputFiles: readonly { path: string; contents: Uint8Array; text: string }[]; metafile: Metafile }> {
    const external = outside.flatMap(name => [name, `${name}/*`]);
    const settings = { bundle: true, splitting, format: 'esm', minify: true, metafile: true, write: false } as const;
    return build({ ...settings, entryPoints, external, outdir: path.join(project, 'out'), logLevel: 'error' });
  }

  async function answers(address: string): Promise<void> {
    const page = await web.browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    try {
      await page.goto(`${web.server.origin}${address}`);
      await page.waitForFunction(() => document.title !== '');
      assert.equal(await page.title(), 'logits 1 2 1668');
    } finally {
      await page.close();
    }
  }
});
