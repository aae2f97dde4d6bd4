/**
 * Greedy decoding beside transformers.js, on the same weights in one run: a GPT-2 of base size (12 layers, hidden size 768,
 * 21,128 tokens), prompts of 128 and 512 tokens, one and eight at a time.
 *
 *     TRANSFORMERS_JS=<folder with node_modules/@huggingface/transformers> npx tsx test/bench/compare-transformers-js.ts [--write]
 *
 * Without TRANSFORMERS_JS only our side is measured. It runs the graph of hugging-face-gpt2.ts with its own session
 * settings, whose threads spin; ours are measured as they are by default and with `spin`. Prefill is the time to the first
 * token, a step that from one token to the next, search included on both sides.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import { loadModel, type Model } from '../../src/node.ts';
import { BASE_CONFIG, writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder, median } from './bench-model.ts';
import { writeHuggingFaceGpt2 } from './hugging-face-gpt2.ts';
import { report } from './performance-table.ts';

const CONFIG = { max_position_embeddings: 1024 };
const STEPS = 16;
/** Milliseconds for which everything rests between two sides: threads that spin do so for a while after a run. */
const REST = 200;
const ROUNDS = 4;
const SHAPES = [
  { batch: 1, length: 128 },
  { batch: 1, length: 512 },
  { batch: 8, length: 128 },
  { batch: 8, length: 512 },
];

/** Token ids of each sequence, and when each step was over. */
interface Decoded {
  readonly tokenIds: readonly (readonly number[])[];
  /** Milliseconds to the first token of the last sequence. */
  readonly prefill: number;
  /** Milliseconds from token to token of all sequences. */
  readonly steps: readonly number[];
}

type Decode = (prompts: readonly (readonly number[])[]) => Promise<Decoded>;

/** The part of transformers.js that is used. */
interface TransformersJs {
  readonly env: { localModelPath: string; allowRemoteModels: boolean };
  readonly Tensor: new (dtype: string, data: BigInt64Array, shape: readonly number[]) => object;
  readonly BaseStreamer: new () => object;
  readonly AutoModelForCausalLM: {
    from_pretrained(
      name: string,
      options: object,
    ): Promise<{ generate(options: object): Promise<{ tolist(): bigint[][] }> }>;
  };
}

await inFolder(async folder => {
  await writeBaseCheckpoint(folder, { model: 'gpt2', config: CONFIG });
  const model = await loadModel(await convertIn(folder, 'model', { model: 'gpt2' }));
  const spinningModel = await loadModel(path.join(folder, 'model'), { session: { spin: true } });
  const [ours, spinning] = [await openOurs(model), await openOurs(spinningModel)];
  const theirs = await openTheirs(folder);
  const head = ['batch × prompt', 'transformers.js step, ms', 'bert4ort step, ms', 'ratio', 'spinning, ms', 'ratio'];
  const rows = [[...head, 'transformers.js prefill, ms', 'bert4ort prefill, ms', 'ratio', 'ids']];
  for (const { batch, length } of SHAPES) {
    const prompts = Array.from({ length: batch }, (_, b) =>
      Array.from({ length }, (_, i) => 1000 + ((i * 7919 + b * 104729 + i * i * 31) % 20000)),
    );
    const measured: { ours: Decoded; spinning: Decoded; theirs: Decoded | undefined }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const theirOwn = theirs && (await decodeRested(theirs, prompts));
      const own = await decodeRested(ours, prompts);
      measured.push({ theirs: theirOwn, ours: own, spinning: await decodeRested(spinning, prompts) });
    }
    const mine = measured.map(round => round.ours);
    const awake = measured.map(round => round.spinning);
    const other = measured.flatMap(round => round.theirs ?? []);
    rows.push([
      `${batch} × ${length}`,
      ...compare(other, mine, stepTime),
      ...compare(other, awake, stepTime).slice(1),
      ...compare(other, mine, prefillTime),
      same(other, [...mine, ...awake]),
    ]);
  }
  await report('transformers-js', rows);
  await model.dispose();
  await spinningModel.dispose();
});

async function decodeRested(decode: Decode, prompts: readonly (readonly number[])[]): Promise<Decoded> {
  await setTimeout(REST);
  return decode(prompts);
}

async function openOurs(model: Model): Promise<Decode> {
  const generator = createGenerator(await model.openGraph('step'), model.manifest);
  return async prompts => {
    const start = performance.now();
    const marks: { readonly time: number; readonly rows: number }[] = [];
    const scorers = prompts.map(tokenIds => generator.start({ tokenIds, segmentIds: tokenIds.map(() => 0) }));
    const results = await Promise.all(
      scorers.map((scorer, i) => {
        // The last prompt to be read: the engine reads long ones in turns, between the steps of those that were read.
        const mark = () => marks.push({ time: performance.now(), rows: generator.counts.rows });
        const onStep = i === prompts.length - 1 ? mark : undefined;
        return beamSearch(scorer, { topK: 1, endId: 0, minLen: STEPS + 2, maxLen: STEPS + 1, onStep });
      }),
    );
    for (const scorer of scorers) scorer.release();
    const steps = marks.slice(1).flatMap(({ time, rows }, i) => {
      const before = marks[i];
      return before !== undefined && rows - before.rows === prompts.length ? [time - before.time] : [];
    });
    const prefill = (marks[0]?.time ?? Number.NaN) - start;
    return { tokenIds: results.map(({ tokenIds }) => tokenIds), prefill, steps };
  };
}

async function openTheirs(folder: string): Promise<Decode | undefined> {
  const root = process.env['TRANSFORMERS_JS'];
  if (root === undefined) {
    console.log('TRANSFORMERS_JS is not set: transformers.js is left out.');
    return undefined;
  }
  const entry = createRequire(path.join(path.resolve(root), 'package.json')).resolve('@huggingface/transformers');
  const { env, Tensor, BaseStreamer, AutoModelForCausalLM }: TransformersJs = await import(pathToFileURL(entry).href);
  env.localModelPath = folder;
  env.allowRemoteModels = false;
  await writeHuggingFaceGpt2(folder, 'hf', { ...BASE_CONFIG, ...CONFIG });
  const model = await AutoModelForCausalLM.from_pretrained('hf', { dtype: 'fp32', use_external_data_format: true });
  return async prompts => {
    const shape = [prompts.length, prompts[0]?.length ?? 0];
    const ids = BigInt64Array.from(prompts.flat(), BigInt);
    const times: number[] = [];
    const streamer = Object.assign(new BaseStreamer(), {
      put: () => times.push(performance.now()),
      end: () => undefined,
    });
    const output = await model.generate({
      inputs: new Tensor('int64', ids, shape),
      attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
      max_new_tokens: STEPS + 1,
      do_sample: false,
      streamer,
    });
    const tokenIds = output.tolist().map(row => row.slice(shape[1]).map(Number));
    return { tokenIds, ...intervals(times) };
  };
}

function intervals(times: readonly number[]): Pick<Decoded, 'prefill' | 'steps'> {
  const [prefill = Number.NaN, ...steps] = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  return { prefill, steps };
}

function stepTime(rounds: readonly Decoded[]): number {
  return median(rounds.flatMap(({ steps }) => steps));
}

function prefillTime(rounds: readonly Decoded[]): number {
  return Math.min(...rounds.map(({ prefill }) => prefill));
}

function compare(
  theirs: readonly Decoded[],
  ours: readonly Decoded[],
  timeOf: (rounds: readonly Decoded[]) => number,
): string[] {
  const mine = timeOf(ours);
  if (theirs.length === 0) return ['-', mine.toFixed(1), '-'];
  return [timeOf(theirs).toFixed(1), mine.toFixed(1), `${(timeOf(theirs) / mine).toFixed(1)}×`];
}

function same(theirs: readonly Decoded[], ours: readonly Decoded[]): string {
  if (theirs.length === 0) return '-';
  const expected = JSON.stringify(theirs[0]?.tokenIds);
  return ours.every(({ tokenIds }) => JSON.stringify(tokenIds) === expected) ? 'identical' : 'DIFFERENT';
}
