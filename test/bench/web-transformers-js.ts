/**
 * In a browser beside transformers.js, on WebAssembly, in one page of one Chromium: hidden states of a BERT of base size
 * and greedy decoding of a GPT-2 of base size (12 layers, hidden size 768, 21,128 tokens).
 *
 *     TRANSFORMERS_JS=<folder with node_modules/@huggingface/transformers> npx tsx test/bench/web-transformers-js.ts [--write]
 *
 * The sides take turns, with as many threads each; a ratio is the median of those of neighbouring runs. BERT is the same graph on both sides. GPT-2 has
 * the same weights: transformers.js runs the graph of hugging-face-gpt2.ts, whose cache goes in and comes out in each step.
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { findChromium, launchChromium } from '../web/browser.ts';
import { ORT_FOLDER } from '../web/bundle.ts';
import { html } from '../web/fixture.ts';
import { startServer, type TestServer } from '../web/server.ts';
import { BASE_CONFIG, writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder, median } from './bench-model.ts';
import { writeHuggingFaceGpt2 } from './hugging-face-gpt2.ts';
import { report } from './performance-table.ts';
import type { Served } from './web-transformers-js-page.ts';

const CONFIG = { max_position_embeddings: 1024 };
const STEPS = 16;
const ROUNDS = 7;
/** Milliseconds for which everything rests between two sides: threads that spin do so for a while after a run. */
const REST = 200;
const SIDES = ['theirs', 'ours'] as const;

/** Batch × length. */
const PROMPTS = [
  [1, 128],
  [1, 512],
  [4, 128],
] as const;
const TEXTS = [
  [1, 32],
  [1, 128],
  [8, 128],
] as const;

const root = process.env['TRANSFORMERS_JS'];
const executable = findChromium();
if (root === undefined || executable === undefined) throw new Error('set TRANSFORMERS_JS, and CHROMIUM_PATH');
const modules = path.join(path.resolve(root), 'node_modules');
const threads = availableParallelism();

await inFolder(async folder => {
  const server = await startServer();
  const browser = await launchChromium(executable);
  try {
    await writeModels(folder);
    await serve(server, folder);
    const page = await browser.newPage();
    page.setDefaultTimeout(600_000);
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction(() => 'compare' in globalThis);
    await openSides(page, server.origin);
    const rows = [['', 'transformers.js, ms', 'bert4ort, ms', 'ratio', 'results']];
    for (const [batch, length] of TEXTS) rows.push(await compareEncoding(page, batch, length));
    for (const [batch, length] of PROMPTS) rows.push(...(await compareDecoding(page, batch, length)));
    await report('web-transformers-js', rows, [`Chromium ${browser.version()}, ${threads} threads.`]);
  } finally {
    await browser.close();
    await server.close();
  }
});

async function writeModels(folder: string): Promise<void> {
  await writeBaseCheckpoint(folder, { model: 'gpt2', config: CONFIG });
  await convertIn(folder, 'gpt2', { model: 'gpt2' });
  await writeHuggingFaceGpt2(folder, 'hf', { ...BASE_CONFIG, ...CONFIG });
  await writeBaseCheckpoint(folder);
  await convertIn(folder, 'bert', { model: 'bert' });
}

async function serve(server: TestServer, folder: string): Promise<void> {
  const entry = path.join(modules, '@huggingface/transformers/dist/transformers.web.js');
  const common = { bundle: true, format: 'esm', logLevel: 'error' } as const;
  const conditions = ['onnxruntime-web-use-extern-wasm'];
  await build({ ...common, conditions, entryPoints: [entry], outfile: path.join(folder, 'theirs/transformers.js') });
  const entryPoints = {
    page: path.join(import.meta.dirname, 'web-transformers-js-page.ts'),
    'session/web-worker': path.resolve(import.meta.dirname, '../../src/session/web-worker.ts'),
  };
  await build({ ...common, conditions, entryPoints, outdir: path.join(folder, 'page') });
  server.folders.set('/ort/', ORT_FOLDER).set('/their-ort/', path.join(modules, 'onnxruntime-web/dist'));
  server.folders.set('/', folder);
  server.files.set('/index.html', html('<script type="module" src="/page/page.js"></script>'));
}

async function openSides(page: Page, origin: string): Promise<void> {
  const served: Served = {
    base: `${origin}/`,
    ort: `${origin}/ort/`,
    theirs: { module: `${origin}/theirs/transformers.js`, ort: `${origin}/their-ort/` },
    threads,
  };
  await page.evaluate(
    async ([names, where]) => {
      for (const name of names) globalThis.sides[name] = await globalThis.compare[name](where);
    },
    [SIDES, served] as const,
  );
}

async function compareEncoding(page: Page, batch: number, length: number): Promise<string[]> {
  const [theirs, ours] = await inTurns(side =>
    page.evaluate(([name, ids]) => globalThis.sides[name]?.encode(ids), [side, idsOf(batch, length)] as const),
  );
  const mine = ours[0]?.values ?? [];
  const difference = Math.max(
    ...(theirs[0]?.values ?? []).map((value, i) => Math.abs(value - (mine[i] ?? Number.NaN))),
  );
  const result = `off by at most ${difference.toExponential(0)}`;
  return [`BERT, ${batch} × ${length}`, ...ratio(theirs, ours, run => run.time), result];
}

async function compareDecoding(page: Page, batch: number, length: number): Promise<string[][]> {
  const [theirs, ours] = await inTurns(side =>
    page.evaluate(([name, ids, steps]) => globalThis.sides[name]?.decode(ids, steps), [
      side,
      idsOf(batch, length),
      STEPS,
    ] as const),
  );
  const same = JSON.stringify(theirs[0]?.tokenIds) === JSON.stringify(ours[0]?.tokenIds);
  const ids = same ? 'ids identical' : 'ids DIFFERENT';
  return [
    [`GPT-2, ${batch} × ${length}, step`, ...ratio(theirs, ours, run => median(run.steps)), ids],
    [`GPT-2, ${batch} × ${length}, first token`, ...ratio(theirs, ours, run => run.prefill), ids],
  ];
}

/** Each side's runs, in turns and the other way round in every second round, after one of each that is not counted. */
async function inTurns<T>(run: (side: (typeof SIDES)[number]) => Promise<T | undefined>): Promise<[T[], T[]]> {
  const runs = { theirs: [] as T[], ours: [] as T[] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      await setTimeout(REST);
      const result = await run(side);
      if (result === undefined) throw new Error(`${side} is not open`);
      if (round > 0) runs[side].push(result);
    }
  }
  return [runs.theirs, runs.ours];
}

/** Both medians; the median ratio of two neighbouring runs, with its quartiles. */
function ratio<T>(theirs: readonly T[], ours: readonly T[], timeOf: (run: T) => number): string[] {
  const [other, mine] = [theirs.map(timeOf), ours.map(timeOf)];
  const single = other.map((time, i) => time / (mine[i] ?? Number.NaN)).sort((a, b) => a - b);
  const [low, high] = [0.25, 0.75].map(part => single[Math.round((single.length - 1) * part)] ?? Number.NaN);
  const quartiles = `${low?.toFixed(2)} to ${high?.toFixed(2)}`;
  return [median(other).toFixed(1), median(mine).toFixed(1), `${median(single).toFixed(2)}× (${quartiles})`];
}

function idsOf(batch: number, length: number): number[][] {
  return Array.from({ length: batch }, (_, b) =>
    Array.from({ length }, (_, i) => 1000 + ((i * 7919 + b * 104729 + i * i * 31) % 20000)),
  );
}
