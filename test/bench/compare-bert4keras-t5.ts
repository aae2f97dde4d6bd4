/**
 * Titles beside bert4keras, on a checkpoint of T5-PEGASUS' base size in one run: texts of 256 tokens, titles of 32, with
 * bert4keras' own recipe, which computes the source once and the title so far again in each step.
 *
 *     REFERENCE_PYTHON=<python with bert4keras> npx tsx test/bench/compare-bert4keras-t5.ts [--write]
 *
 * Weights are meaningless, so titles never end: their length is fixed on both sides.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { createGenerator, type Generator } from '../../src/generation/generator.ts';
import { loadModel } from '../../src/node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder, median } from './bench-model.ts';
import { report } from './performance-table.ts';

const MODEL = 'mt5.1.1';
const CONFIG = { vocab_size: 50_000, intermediate_size: 2048, hidden_act: ['gelu', 'linear'] };
const [START, END] = [101, 102];
const STEPS = 32;
const ROUNDS = 5;

/** Beams, and how many texts are asked for at once; bert4keras writes one title after another. */
const SETTINGS = [
  { beams: 1, texts: 1 },
  { beams: 5, texts: 1 },
  { beams: 1, texts: 8 },
];

interface Reference {
  /** For each of {@link SETTINGS}: ids of the texts, without the start token, and seconds of all together. */
  readonly ids: readonly (readonly number[])[];
  readonly seconds: number;
}

await inFolder(async folder => {
  await writeBaseCheckpoint(folder, { model: MODEL, config: CONFIG });
  const sources = Array.from({ length: 8 }, (_, i) => noiseIds(256, i + 1));
  const references = await runReference(folder, sources);
  const model = await loadModel(await convertIn(folder, 't5', { model: MODEL }));
  const generator = createGenerator(await model.openGraph('step'), model.manifest);
  const rows = [['texts of 256 tokens', 'bert4keras, s', 'bert4ort, s', 'ratio', 'ids']];
  for (const [i, { beams, texts }] of SETTINGS.entries()) {
    const wanted = sources.slice(0, texts);
    const ids = await titles(generator, wanted, beams);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      await titles(generator, wanted, beams);
      times.push((performance.now() - start) / 1000);
    }
    const theirs = references?.[i];
    const seconds = median(times);
    const same = JSON.stringify(theirs?.ids) === JSON.stringify(ids) ? 'identical' : 'DIFFERENT';
    const compared = theirs && [theirs.seconds.toFixed(1), `${(theirs.seconds / seconds).toFixed(1)}×`, same];
    const [before = '-', ratio = '-', equal = '-'] = compared ?? [];
    rows.push([`${texts}, beam ${beams}`, before, seconds.toFixed(2), ratio, equal]);
  }
  await model.dispose();
  await report('bert4keras-t5', rows);
});

/** Ids that look like text: any but special ones. */
function noiseIds(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => 1000 + ((i * 7919 + seed * 104729 + i * i * 31) % 48000));
}

async function titles(generator: Generator, sources: readonly (readonly number[])[], topK: number) {
  return Promise.all(
    sources.map(async source => {
      const prompt = { tokenIds: [...source, START], segmentIds: [...source.map(() => 0), 1] };
      const scorer = generator.start(prompt, { segmentId: 1 });
      const { tokenIds } = await beamSearch(scorer, { topK, endId: END, minLen: STEPS, maxLen: STEPS });
      scorer.release();
      return tokenIds;
    }),
  );
}

async function runReference(folder: string, sources: readonly (readonly number[])[]) {
  const python = process.env['REFERENCE_PYTHON'];
  if (python === undefined) {
    console.log('REFERENCE_PYTHON is not set: bert4keras is left out.');
    return undefined;
  }
  const settings = { sources, settings: SETTINGS, steps: STEPS, startId: START, endId: END, model: MODEL };
  await writeFile(path.join(folder, 'titles.json'), JSON.stringify(settings));
  const script = new URL('compare_bert4keras_t5.py', import.meta.url).pathname;
  await promisify(execFile)(python, [script, folder], { maxBuffer: 1 << 28 });
  return JSON.parse(await readFile(path.join(folder, 'reference.json'), 'utf8')) as readonly Reference[];
}
