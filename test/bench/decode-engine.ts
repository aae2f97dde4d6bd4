/**
 * Milliseconds of a decoding step, and how much of it is TypeScript: the generation engine over a GPT-2 of base size
 * (12 layers, hidden size 768, 21,128 tokens, meaningless weights), on the CPU.
 *
 *     npx tsx test/bench/decode-engine.ts
 *
 * The bound is the time to read the weights and the cache once, at the memory bandwidth that a copy reaches in this run.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { convert } from '../../converters/index.ts';
import { extendHypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { loadModel } from '../../src/node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';

const STEPS = 24;

/** Sequences and tokens of the prompt; `beams` rows of one sequence instead of so many sequences. */
const SHAPES = [
  { sequences: 1, past: 128, beams: 1 },
  { sequences: 1, past: 500 - STEPS, beams: 1 },
  { sequences: 8, past: 128, beams: 1 },
  { sequences: 8, past: 500 - STEPS, beams: 1 },
  { sequences: 1, past: 128, beams: 8 },
  { sequences: 1, past: 128, beams: 64 },
];

const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-bench-'));
try {
  const bytes = await writeBaseCheckpoint(folder, { model: 'gpt2' });
  const options = {
    checkpoint: await splitPath(path.join(folder, 'bert_model.ckpt')),
    config: new Uint8Array(await readFile(path.join(folder, 'bert_config.json'))),
    keywords: { model: 'gpt2' },
  };
  await convert(options, await directorySink(path.join(folder, 'model')));
  const model = await loadModel(path.join(folder, 'model'));
  const session = await model.openGraph('step');
  const bandwidth = copyBandwidth();
  console.log(
    `weights ${(bytes / 1e6).toFixed(0)} MB, memory bandwidth ${(bandwidth / 1e9).toFixed(1)} GB/s (reading, one copy)`,
  );
  for (const { sequences, past, beams } of SHAPES) {
    const generator = createGenerator(session, model.manifest);
    const prompt = {
      tokenIds: Array.from({ length: past }, (_, i) => 100 + i),
      segmentIds: new Array<number>(past).fill(0),
    };
    const scorers = Array.from({ length: sequences }, () => generator.start(prompt));
    let rows = [rootHypothesis()];
    const prefillStart = performance.now();
    await Promise.all(scorers.map(scorer => scorer.score(rows)));
    const prefill = performance.now() - prefillStart;
    const before = generator.counts.sessionMilliseconds;
    const times: number[] = [];
    for (let step = 0; step < STEPS; step++) {
      const parents = rows;
      rows = Array.from({ length: beams }, (_, i) =>
        extendHypothesis(parents[i] ?? parents[0] ?? rootHypothesis(), 200 + i),
      );
      const start = performance.now();
      await Promise.all(scorers.map(scorer => scorer.score(rows)));
      times.push(performance.now() - start);
    }
    const session_ = (generator.counts.sessionMilliseconds - before) / STEPS;
    const mean = times.reduce((sum, time) => sum + time, 0) / STEPS;
    const median = times.sort((a, b) => a - b)[STEPS / 2] ?? 0;
    const cache = sequences * past * 2 * 12 * 768 * 4;
    const bound = (1000 * (bytes + cache)) / bandwidth;
    console.log(
      `${sequences} x past ${past}, ${beams} rows: prefill ${prefill.toFixed(0)} ms, step ${median.toFixed(1)} ms, TypeScript ${(
        100 * (1 - session_ / mean)
      ).toFixed(1)} %, bound ${bound.toFixed(1)} ms`,
    );
    for (const scorer of scorers) scorer.release();
  }
  await model.dispose();
} finally {
  await rm(folder, { recursive: true });
}

/** Bytes read per second by copying 512 MB, the best of five; a copy reads and writes, so memory moves twice as much. */
function copyBandwidth(): number {
  const source = new Float32Array(1 << 27).fill(1);
  const target = new Float32Array(1 << 27);
  const seconds = Array.from({ length: 5 }, () => {
    const start = performance.now();
    target.set(source);
    return (performance.now() - start) / 1000;
  });
  return (2 * source.byteLength) / Math.min(...seconds);
}
