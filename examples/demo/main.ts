/**
 * `npm run demo`: two trained bert4keras checkpoints, one in Keras HDF5 and one in a TensorFlow bundle, are converted and
 * answer questions over several passages; every answer is compared with what bert4keras itself answered. No network, no
 * Python; the temporary folder is removed at the end.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { convert } from '../../converters/index.ts';
import { directorySink, loadModel, type Model, splitPath } from '../../src/node.ts';
import { createMaskReader } from './read-masks.ts';
import { createPassageReader, type Question, type Reading } from './read-passages.ts';

const MODELS = path.join(import.meta.dirname, '../models');

/** A line of `examples.jsonl`. */
interface Example extends Question {
  readonly id: string;
}

/** A line of `goldens.jsonl`: what the reference answered. */
interface Golden {
  readonly id: string;
  readonly mode: string;
  readonly topk?: number;
  readonly answer: string;
}

/** How many answers were compared, and how many were the reference's. */
export interface Outcome {
  readonly compared: number;
  readonly equal: number;
}

/** Runs the demo, telling its story to `say`. */
export async function main(say: (text: string) => void): Promise<Outcome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-demo-'));
  const began = performance.now();
  try {
    const outcomes = [await generativeReader(folder, say), await maskedReader(folder, say)];
    const compared = outcomes.reduce((sum, outcome) => sum + outcome.compared, 0);
    const equal = outcomes.reduce((sum, outcome) => sum + outcome.equal, 0);
    say(`${equal} of ${compared} answers are those of bert4keras on TensorFlow. ${seconds(began)} in all.`);
    return { compared, equal };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A UniLM, from Keras HDF5: the passages vote on each token of the answer. */
async function generativeReader(folder: string, say: (text: string) => void): Promise<Outcome> {
  say('1. A UniLM reader, best_model.weights (Keras HDF5)\n');
  const model = await convertAndLoad('qa-unilm', 'best_model.weights', path.join(folder, 'unilm'), say);
  try {
    const examples = await readLines<Example>('qa-unilm/examples.jsonl');
    const goldens = await readLines<Golden>('qa-unilm/goldens.jsonl');
    const outcomes: Outcome[] = [];
    for (const mode of ['extractive', 'generative']) {
      const read = await createPassageReader(model, { extractive: mode === 'extractive' });
      const wanted = goldens.filter(golden => golden.mode === mode && golden.topk === 1);
      if (mode === 'extractive') await showReading(pick(examples, 4), read, say);
      outcomes.push(await compare(examples, wanted, { mode, read, say }));
    }
    return total(outcomes);
  } finally {
    await model.dispose();
  }
}

/** A masked model, from a TensorFlow bundle in two shards: all answers in one forward pass. */
async function maskedReader(folder: string, say: (text: string) => void): Promise<Outcome> {
  say('2. A masked reader, best_model_tf.weights (tf.keras bundle, two shards)\n');
  const model = await convertAndLoad('qa-mlm', 'best_model_tf.weights', path.join(folder, 'mlm'), say);
  try {
    const examples = await readLines<Example>('qa-mlm/examples.jsonl');
    const goldens = await readLines<Golden>('qa-mlm/goldens.jsonl');
    return compare(examples, goldens, { mode: 'masked', read: await createMaskReader(model), say });
  } finally {
    await model.dispose();
  }
}

async function convertAndLoad(
  name: string,
  checkpoint: string,
  to: string,
  say: (text: string) => void,
): Promise<Model> {
  const from = path.join(MODELS, name);
  const began = performance.now();
  const application = name === 'qa-unilm' ? 'unilm' : 'encoder';
  const { manifest, scheme } = await convert(
    {
      checkpoint: await splitPath(path.join(from, checkpoint)),
      config: await readFile(path.join(from, 'config.json')),
      keywords: { model: 'bert', application, with_mlm: true },
      tokenizer: { kind: 'wordpiece', vocab: await readFile(path.join(from, 'vocab.txt')) },
    },
    await directorySink(to),
  );
  const { layers, hidden } = manifest.dimensions;
  say(`   converted in ${seconds(began)}: ${layers} layers, hidden ${hidden}, ${scheme}\n`);
  return loadModel(to);
}

/** One question in full: what each passage would begin with, who is dropped, and the answer that is voted. */
async function showReading(
  example: Example,
  read: (question: Question) => Promise<Reading>,
  say: (text: string) => void,
): Promise<void> {
  const began = performance.now();
  const { answer, votes } = await read(example);
  const elapsed = seconds(began);
  const table = new Table({
    head: ['passage', 'would begin with', ''],
    style: { head: [], border: [] },
    colWidths: [58, 22, 9],
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  for (const [i, passage] of example.passages.entries()) {
    const vote = votes[i];
    const begins = vote?.token === '[SEP]' ? 'no answer' : (vote?.token ?? '');
    table.push([
      passage,
      `${begins}  ${((vote?.probability ?? 0) * 100).toFixed(1)} %`,
      vote?.kept ? 'votes' : 'dropped',
    ]);
  }
  say(`   ${example.question}\n${table}\n   → ${answer || '(no passage answers)'}   (${elapsed})\n`);
}

async function compare(
  examples: readonly Example[],
  goldens: readonly Golden[],
  {
    mode,
    read,
    say,
  }: { mode: string; read: (question: Question) => Promise<{ readonly answer: string }>; say: (text: string) => void },
): Promise<Outcome> {
  const wanted = new Map(goldens.map(golden => [golden.id, golden.answer]));
  const began = performance.now();
  // All at once: the engine puts what is asked for at the same time into one run.
  const answers = await Promise.all(examples.map(async example => (await read(example)).answer));
  const equal = examples.filter(({ id }, i) => wanted.get(id) === answers[i]).length;
  say(`   ${mode}: ${examples.length} questions in ${seconds(began)}, ${equal} answered as bert4keras does\n`);
  return { compared: examples.length, equal };
}

function total(outcomes: readonly Outcome[]): Outcome {
  const sum = (key: keyof Outcome) => outcomes.reduce((all, outcome) => all + outcome[key], 0);
  return { compared: sum('compared'), equal: sum('equal') };
}

/** An example that is shown well: `passages` passages, so that there is something to vote on. */
function pick(examples: readonly Example[], passages: number): Example {
  const fitting = examples.find(({ id, passages: { length } }) => length === passages && !id.includes('edge'));
  if (fitting === undefined) throw new Error(`No example has ${passages} passages.`);
  return fitting;
}

async function readLines<T>(file: string): Promise<T[]> {
  const text = await readFile(path.join(MODELS, file), 'utf8');
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as T);
}

function seconds(since: number): string {
  const elapsed = (performance.now() - since) / 1000;
  return elapsed < 1 ? `${(elapsed * 1000).toFixed(0)} ms` : `${elapsed.toFixed(1)} s`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { compared, equal } = await main(console.log);
  process.exitCode = equal === compared ? 0 : 1;
}
