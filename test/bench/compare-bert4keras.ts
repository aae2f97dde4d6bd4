/**
 * Reading comprehension beside bert4keras, on one checkpoint of base size in one run: ten passages of 256 tokens with a
 * question of 64, answered by a seq2seq model in 7 steps at beams of 1 and 5, and by a masked model in one pass.
 *
 *     REFERENCE_PYTHON=<python with bert4keras> npx tsx test/bench/compare-bert4keras.ts [--write]
 *
 * Without REFERENCE_PYTHON only our side is measured. bert4keras is run for two steps; its third to seventh are taken to
 * cost what its second does, though each is a token longer. Weights are meaningless, so answers never end: the number of
 * steps is fixed on both sides, and the ids of two steps are compared.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { softmaxRows } from '../../src/decode/softmax.ts';
import { decodeSpan } from '../../src/decode/span.ts';
import { vote } from '../../src/decode/vote.ts';
import { createGenerator, type Generator } from '../../src/generation/generator.ts';
import { readRows } from '../../src/generation/row-reader.ts';
import { loadModel, type Model } from '../../src/node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder, median } from './bench-model.ts';
import { report } from './performance-table.ts';

const [START, END, MASK] = [101, 102, 103];
const BEAMS = [1, 5];
const STEPS = 7;
const REFERENCE_STEPS = 2;
const MASKS = 16;
const ROUNDS = 5;

interface Timed<T> {
  readonly result: T;
  /** Milliseconds. */
  readonly time: number;
}

interface Reference {
  readonly [beam: `beam${number}`]: { readonly ids: readonly number[]; readonly seconds: readonly number[] };
  readonly mlm: { readonly answers: readonly (readonly number[])[]; readonly seconds: readonly number[] };
}

const texts = Array.from({ length: 10 }, (_, i) => noiseIds(254, i + 1));
const question = [...noiseIds(63, 99), END];
const seq2seq = texts.map(text => [START, ...text, END, ...question]);
const passages = texts.map(text => [...text, END]);
const masked = passages.map(passage => [START, ...new Array<number>(MASKS).fill(MASK), END, ...question, ...passage]);

await inFolder(async folder => {
  await writeBaseCheckpoint(folder);
  const reference = await runReference(folder);
  const rows = [['', 'bert4keras, s', 'bert4ort, s', 'ratio', 'ids']];
  const generative = await loadModel(await convertIn(folder, 'unilm', { model: 'bert', application: 'unilm' }));
  const generator = createGenerator(await generative.openGraph('step'), generative.manifest);
  for (const beams of BEAMS) {
    const { time } = await repeat(() => answer(generator, beams, STEPS));
    const ids = await answer(generator, beams, REFERENCE_STEPS);
    const theirs = reference?.[`beam${beams}`];
    const [first = 0, second = 0] = theirs?.seconds ?? [];
    const seconds = theirs && first + (STEPS - 1) * second;
    rows.push(row(`seq2seq, beam ${beams}`, seconds, time, theirs && equal(theirs.ids, ids)));
  }
  await generative.dispose();
  const masks = await loadModel(await convertIn(folder, 'mlm', { model: 'bert', with_mlm: true }));
  const { result, time } = await repeat(() => readSpans(masks));
  const theirs = reference?.mlm;
  rows.push(row('MLM', theirs && Math.min(...theirs.seconds), time, theirs && equal(theirs.answers, result)));
  await masks.dispose();
  await report('bert4keras', rows);
});

/** Ids that look like text: any but special ones. */
function noiseIds(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => 1000 + ((i * 7919 + seed * 104729 + i * i * 31) % 20000));
}

async function runReference(folder: string): Promise<Reference | undefined> {
  const python = process.env['REFERENCE_PYTHON'];
  if (python === undefined) {
    console.log('REFERENCE_PYTHON is not set: bert4keras is left out.');
    return undefined;
  }
  const settings = { beams: BEAMS, steps: REFERENCE_STEPS, masks: MASKS, endId: END };
  await writeFile(path.join(folder, 'questions.json'), JSON.stringify({ ...settings, seq2seq, passages, mlm: masked }));
  const script = new URL('compare_bert4keras.py', import.meta.url).pathname;
  await promisify(execFile)(python, [script, folder], { maxBuffer: 1 << 28 });
  return JSON.parse(await readFile(path.join(folder, 'reference.json'), 'utf8'));
}

/** The seq2seq reader's search over ids, without its tokenizer. */
async function answer(generator: Generator, topK: number, steps: number): Promise<readonly number[]> {
  const scorers = seq2seq.map(tokenIds =>
    generator.start({ tokenIds, segmentIds: tokenIds.map(() => 0) }, { segmentId: 1 }),
  );
  const merged = vote(scorers, { endId: END });
  const { tokenIds } = await beamSearch(merged, { topK, endId: END, minLen: steps, maxLen: steps });
  for (const scorer of scorers) scorer.release();
  return tokenIds;
}

/** The masked reader over ids, without its tokenizer. */
async function readSpans(model: Model): Promise<readonly (readonly number[])[]> {
  const rows = Array.from({ length: MASKS }, (_, i) => i + 1);
  const requests = masked.map(tokenIds => ({ tokenIds, segmentIds: tokenIds.map(() => 0), rows }));
  const blocks = await readRows(await model.openGraph('read'), model.manifest, requests);
  return blocks.map((logits, i) => {
    const block = softmaxRows(logits, model.manifest.dimensions.vocabSize, `passage ${i}`);
    return decodeSpan(block, { passageIds: passages[i] ?? [], maxAnswerLen: MASKS, endId: END }).tokenIds;
  });
}

async function repeat<T>(work: () => Promise<T>): Promise<Timed<T>> {
  let result = await work();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    result = await work();
    times.push(performance.now() - start);
  }
  return { result, time: median(times) };
}

function row(name: string, seconds: number | undefined, time: number, same: boolean | undefined): string[] {
  const ours = time / 1000;
  const theirs = seconds === undefined ? ['-', '-', '-'] : [seconds.toFixed(1), `${(seconds / ours).toFixed(1)}×`];
  const [before = '-', ratio = '-'] = theirs;
  return [name, before, ours.toFixed(2), ratio, same === undefined ? '-' : same ? 'identical' : 'DIFFERENT'];
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
