/**
 * What it costs to run the step graph in a worker thread, and what the cache's way there and back would cost if it were
 * copied instead of moved: a GPT-2 of base size (12 layers, hidden size 768, 21,128 tokens, meaningless weights) on the
 * CPU. The three take turns step by step, so that they share the machine's moods.
 *
 *     npx tsx test/bench/worker-hop.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { convert } from '../../converters/index.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { loadModel } from '../../src/node.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { workerProvider } from '../../src/session/worker-node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';

const STEPS = 24;

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
  const sessions = { 'this thread': here, 'worker, moved': there, 'worker, copied': withoutLending(there) };
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

/** The same session, to which nothing is lent. */
function withoutLending(session: GraphSession): GraphSession {
  return {
    device: session.device,
    inputs: session.inputs,
    outputs: session.outputs,
    run: (feeds, fetches) => session.run(feeds, fetches),
    dispose: () => session.dispose(),
  };
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
