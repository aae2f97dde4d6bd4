/**
 * What it costs to run the step graph in a worker thread that keeps the cache, and what the cache's way there and back with
 * each run would cost, moved or copied: a GPT-2 of base size (12 layers, hidden size 768, 21,128 tokens, meaningless weights) on the
 * CPU. They take turns step by step, so that they share the machine's moods. Before that, the way alone: a graph that
 * does nothing much, and lent memory of several sizes.
 *
 *     npx tsx test/bench/worker-hop.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { convert } from '../../converters/index.ts';
import { float32Tensor, int64Tensor, type Tensor } from '../../src/core/tensor.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { loadModel } from '../../src/node.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { workerProvider } from '../../src/session/worker-node.ts';
import { tinyGraph, tinyPorts } from '../session/tiny-graph.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';

const STEPS = 24;

await printBareHops();
const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-bench-'));
try {
  await writeBaseCheckpoint(folder, { model: 'gpt2' });
  const options = {
    checkpoint: await splitPath(path.join(folder, 'bert_model.ckpt')),
    config: new Uint8Array(await readFile(path.join(folder, 'bert_config.json'))),
    keywords: { model: 'gpt2' },
  };
  await convert(options, await directorySink(path.join(folder, 'model')));
  const model = await loadModel(path.join(folder, 'model'));
  const here = await model.openGraph('step');
  const entry = model.manifest.graphs.step;
  if (entry === undefined) throw new Error('the model has a step graph');
  const there = await workerProvider().open({ path: path.join(folder, 'model', entry.file) }, entry, {});
  const sessions = {
    'this thread': here,
    'worker with the cache': there,
    'cache moved': withoutCache(there, 'lend'),
    'cache copied': withoutCache(there, 'copy'),
  };
  for (const [sequences, past] of [
    [1, 128],
    [1, 476],
    [8, 128],
    [8, 476],
  ] as const) {
    const prompt = { tokenIds: new Array<number>(past).fill(100), segmentIds: new Array<number>(past).fill(0) };
    const lines = Object.entries(sessions).map(([name, session]) => {
      const generator = createGenerator(session, model.manifest);
      return { name, scorers: Array.from({ length: sequences }, () => generator.start(prompt)), times: [] as number[] };
    });
    let row: Hypothesis = rootHypothesis();
    for (let step = 0; step <= STEPS; step++) {
      for (const { scorers, times } of lines) {
        const start = performance.now();
        await Promise.all(scorers.map(scorer => scorer.score([row])));
        if (step > 0) times.push(performance.now() - start);
      }
      row = extendHypothesis(row, 200 + step);
    }
    const medians = lines.map(({ name, times }) => `${name} ${median(times).toFixed(1)} ms`);
    console.log(`${sequences} x past ${past}: ${medians.join(', ')}`);
    for (const scorer of lines.flatMap(({ scorers }) => scorers)) scorer.release();
  }
  await there.dispose();
  await model.dispose();
} finally {
  await rm(folder, { recursive: true });
}

/** Runs of a tiny graph in a worker, lending a view over more and more memory. */
async function printBareHops(): Promise<void> {
  const session = await workerProvider().open({ graph: tinyGraph(), data: [] }, tinyPorts, { threads: 1 });
  const n = int64Tensor([1], [1]);
  for (const megabytes of [1, 32, 128, 512]) {
    let x: Tensor = float32Tensor(new Float32Array(megabytes * 2 ** 18).subarray(0, 2), [1, 2]);
    const times: number[] = [];
    for (let i = 0; i < 30; i++) {
      const start = performance.now();
      x = (await session.run({ x, n }, ['double'], ['x']))['x'] ?? x;
      times.push(performance.now() - start);
    }
    console.log(`there and back with ${megabytes} MB: ${median(times).toFixed(2)} ms`);
  }
  await session.dispose();
}

/** The same session, beside which no cache is kept; each run is lent its memory, or copies it. */
function withoutCache(session: GraphSession, how: 'lend' | 'copy'): GraphSession {
  return {
    device: session.device,
    inputs: session.inputs,
    outputs: session.outputs,
    run: (feeds, fetches, lend) => session.run(feeds, fetches, how === 'lend' ? lend : []),
    dispose: () => session.dispose(),
  };
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
