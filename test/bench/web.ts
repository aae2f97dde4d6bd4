/**
 * Browser numbers, each measured in one run: size of the run time, time to the first answer, and runs of the whole graph
 * on WebAssembly against onnxruntime-node, and steps with the cache on the GPU against one in arrays. `npx tsx test/bench/web.ts`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadModel } from '../../src/node.ts';
import { probeFeeds } from '../../src/session/web-probe.ts';
import { findChromium, launchChromium } from '../web/browser.ts';
import { bundlePage, ORT_FOLDER } from '../web/bundle.ts';
import { convertExample, html } from '../web/fixture.ts';
import { watchGpu } from '../web/gpu-watch.ts';
import { startServer } from '../web/server.ts';

const RUNS = 30;

/** Prompt lengths and steps of generation. */
const LENGTHS = [16, 64, 160];
const STEPS = 24;

const executable = findChromium();
if (executable === undefined) throw new Error('no Chromium found; set CHROMIUM_PATH');
const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-bench-web-'));
const server = await startServer();
const browser = await launchChromium(executable);
try {
  await bundlePage(path.join(folder, 'page'));
  server.folders.set('/page/', path.join(folder, 'page')).set('/ort/', ORT_FOLDER);
  server.files.set('/index.html', html('<script type="module" src="/page/page.js"></script>'));
  const wasmPaths = `${server.origin}/ort/`;
  for (const name of ['qa-unilm', 'chat-nezha']) {
    const target = path.join(folder, name);
    await convertExample(name, target);
    server.folders.set(`/${name}/`, target);
    const native = await nodeRun(target);
    console.log(`\n${name}: one run of 40 tokens, fastest of ${RUNS}`);
    console.log(`  node, all cores     ${native.toFixed(2)} ms`);
    for (const [label, options] of [
      ['wasm, 1 thread', { device: 'wasm', threads: 1 }],
      ['wasm, all threads', { device: 'wasm' }],
      ['wasm, in the page', { device: 'wasm', worker: false }],
    ] as const) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${server.origin}/index.html`);
      await page.waitForFunction(() => 'page' in globalThis);
      const base = `${server.origin}/${name}/`;
      const settings = [base, { ...options, wasmPaths }, RUNS] as const;
      const cold = await page.evaluate(([url, o, n]) => globalThis.page.timings(url, o, n), settings);
      const warm = await page.evaluate(([url, o, n]) => globalThis.page.timings(url, o, n), settings);
      const ratio = (cold.run / native).toFixed(1);
      console.log(
        `  ${label.padEnd(18)}  ${cold.run.toFixed(2)} ms (${ratio} × node); first answer after ` +
          `${cold.first.toFixed(0)} ms, from the cache ${warm.first.toFixed(0)} ms`,
      );
      await context.close();
    }
  }
  await compareCaches(`${server.origin}/qa-unilm/`, wasmPaths);
} finally {
  await browser.close();
  await server.close();
  await rm(folder, { recursive: true });
}

/** Steps on WebGPU, each kind of cache in turn; without a GPU they say little of one. */
async function compareCaches(base: string, wasmPaths: string): Promise<void> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(watchGpu);
  await page.goto(`${server.origin}/index.html`);
  await page.waitForFunction(() => 'page' in globalThis);
  const trace = async (arrays: boolean) => {
    const settings = [base, LENGTHS, STEPS, { arrays, wasmPaths }] as const;
    const { steps } = await page.evaluate(([url, l, n, o]) => globalThis.page.traceSteps(url, l, n, o), settings);
    return steps.map(own => {
      const times = own.slice(STEPS / 2).map(({ milliseconds }) => milliseconds);
      return { median: times.sort((a, b) => a - b)[times.length >> 1] ?? 0, bytes: own.at(-1)?.traffic.uploaded ?? 0 };
    });
  };
  const rounds = [await trace(true), await trace(false), await trace(true), await trace(false)];
  console.log('\nqa-unilm: a step on WebGPU, cache on the GPU against one in arrays');
  LENGTHS.forEach((length, i) => {
    const of = (own: number) => {
      const both = [rounds[own]?.[i], rounds[own + 2]?.[i]];
      return { ms: Math.min(...both.map(one => one?.median ?? 0)), bytes: both[0]?.bytes ?? 0 };
    };
    const [arrays, gpu] = [of(0), of(1)];
    const ratio = (gpu.ms / arrays.ms).toFixed(2);
    console.log(
      `  after ${String(length).padStart(3)} tokens  ${gpu.ms.toFixed(0)} against ${arrays.ms.toFixed(0)} ms (${ratio}); ` +
        `uploaded ${gpu.bytes} against ${arrays.bytes} bytes`,
    );
  });
  await context.close();
}

async function nodeRun(directory: string): Promise<number> {
  const model = await loadModel(directory);
  const graph = await model.openGraph('model');
  const feeds = probeFeeds(graph);
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    await graph.run(feeds, ['logits']);
    fastest = Math.min(fastest, performance.now() - start);
  }
  await model.dispose();
  return fastest;
}
