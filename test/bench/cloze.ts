/**
 * The cloze reader beside its TensorFlow 1.2 original, both from text to word: 160 documents, the original's batch, one by
 * one (its `predict`) and all at once. The sides take turns, round by round, and each round of ours is compared with the one
 * of the original before it; processor time, which other programs disturb less, is compared as well.
 *
 *     PYTHON27=<python2.7 with TensorFlow 1.2.1> npx tsx test/bench/cloze.ts [--write]
 *
 * Without PYTHON27 only our side is measured. The documents are those of the goldens, each with the blank at several places.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { convert } from '../../converters/index.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { loadModel } from '../../src/node.ts';
import { type Cloze, type ClozeAnswer, createCloze } from '../../src/tasks/cloze.ts';
import { inFolder, median } from './bench-model.ts';
import { report } from './performance-table.ts';

const SOURCE = path.resolve(import.meta.dirname, '../../examples/models/cloze-bilstm');
const ITEMS = 160;
const ALONE = 40;
const ROUNDS = 3;

/** One round of one side. */
interface Round {
  readonly seconds: number;
  /** Seconds of all cores together. */
  readonly processor: number;
  /** Likeliest word of each text and its probability. */
  readonly answers: readonly (readonly [word: string, probability: number])[];
}

type Mode = 'alone' | 'batched';

interface Side {
  round(mode: Mode): Promise<Round>;
  close(): Promise<void>;
}

await inFolder(async folder => {
  const texts = await documents();
  const ours = await openOurs(folder, texts);
  const original = await openOriginal(folder, texts);
  const rows = [['', 'TensorFlow 1.2, items/s', 'bert4ort, items/s', 'ratio', 'of processor time', 'words', 'off by']];
  rows.push(await compare({ name: 'one by one', mode: 'alone', items: ALONE }, original, ours));
  rows.push(await compare({ name: `${ITEMS} together`, mode: 'batched', items: ITEMS }, original, ours));
  await original?.close();
  await ours.close();
  await report('cloze', rows);
});

interface Case {
  readonly name: string;
  readonly mode: Mode;
  readonly items: number;
}

/** A row of the table; the first round of both sides warms up. */
async function compare({ name, mode, items }: Case, original: Side | undefined, ours: Side): Promise<string[]> {
  const pairs: { readonly before: Round | undefined; readonly after: Round }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = await original?.round(mode);
    pairs.push({ before, after: await ours.round(mode) });
  }
  const timed = pairs.slice(1);
  const rate = (rounds: readonly Round[]) => (items / median(rounds.map(({ seconds }) => seconds))).toFixed(1);
  const found = rate(timed.map(({ after }) => after));
  const theirs = timed.flatMap(({ before, after }) => (before === undefined ? [] : [{ before, after }]));
  const [first] = theirs;
  if (first === undefined) return [name, '-', found, '-', '-', '-', '-'];
  const ratios = (pick: (round: Round) => number) => theirs.map(({ before, after }) => pick(before) / pick(after));
  const wall = ratios(({ seconds }) => seconds);
  const spread = `${times(median(wall))} (${times(Math.min(...wall))} to ${times(Math.max(...wall))})`;
  const processor = times(median(ratios(round => round.processor)));
  return [
    name,
    rate(theirs.map(({ before }) => before)),
    found,
    spread,
    processor,
    ...agreement(first.before, first.after),
  ];
}

/** Whole documents with the blank where it was and where other words are, every item different. */
async function documents(): Promise<readonly string[]> {
  const lines = (await readFile(path.join(SOURCE, 'goldens.jsonl'), 'utf8')).trim().split('\n');
  const whole = lines
    .map(line => JSON.parse(line) as { text: string; tag: string; predicted: string })
    .filter(({ tag }) => ['held-out', 'trained', 'question'].includes(tag));
  return Array.from({ length: ITEMS }, (_, i) => {
    const { text, predicted } = whole[i % whole.length] ?? { text: '', predicted: '' };
    const round = Math.floor(i / whole.length);
    return round === 0 ? text : blankAt(text.replace('XXXXX', predicted), round / (1 + ITEMS / whole.length));
  });
}

function blankAt(text: string, share: number): string {
  const spaces = [...text.matchAll(/[ \n]+/g)].map(match => match.index + match[0].length);
  const start = spaces[Math.floor(share * spaces.length)] ?? 0;
  return `${text.slice(0, start)}XXXXX${text.slice(start).replace(/^[^ \n]*/, '')}`;
}

async function converted(folder: string): Promise<string> {
  const directory = path.join(folder, 'model');
  const options = {
    checkpoint: await splitPath(path.join(SOURCE, 'tk/tk_highest.ckpt')),
    config: new Uint8Array(await readFile(path.join(SOURCE, 'model.config'))),
    keywords: { model: 'cloze-bilstm' },
  };
  await convert(options, await directorySink(directory));
  return directory;
}

async function openOurs(folder: string, texts: readonly string[]): Promise<Side> {
  const model = await loadModel(await converted(folder));
  const cloze = await createCloze(model);
  return {
    async round(mode) {
      const used = process.cpuUsage();
      const start = performance.now();
      const found = mode === 'alone' ? await oneByOne(cloze, texts.slice(0, ALONE)) : await cloze.answerMany(texts);
      const seconds = (performance.now() - start) / 1000;
      const { user, system } = process.cpuUsage(used);
      const answers = found.map(({ answer, candidates: [best] }) => [answer, best?.score ?? Number.NaN] as const);
      return { seconds, processor: (user + system) / 1e6, answers };
    },
    close: () => model.dispose(),
  };
}

async function openOriginal(folder: string, texts: readonly string[]): Promise<Side | undefined> {
  const python = process.env['PYTHON27'];
  if (python === undefined) {
    console.log('PYTHON27 is not set: TensorFlow 1.2 is left out.');
    return undefined;
  }
  await writeFile(path.join(folder, 'texts.json'), JSON.stringify({ texts, alone: ALONE }));
  const script = path.join(import.meta.dirname, 'cloze_tensorflow12.py');
  const child = spawn(python, [script, SOURCE, folder], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async round(mode) {
      child.stdin.write(`${mode}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error(`${python} ${script} ended early; run it by hand to see why`);
      return JSON.parse(line.value);
    },
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function oneByOne(cloze: Cloze, texts: readonly string[]): Promise<readonly ClozeAnswer[]> {
  const answers: ClozeAnswer[] = [];
  for (const text of texts) answers.push(await cloze.answer(text));
  return answers;
}

function times(ratio: number): string {
  return `${ratio.toFixed(1)}×`;
}

/** How many words are the same, and the largest difference between probabilities of the likeliest words. */
function agreement(expected: Round, found: Round): string[] {
  const same = expected.answers.filter(([word], i) => word === found.answers[i]?.[0]).length;
  const differences = expected.answers.map(([, score], i) => Math.abs(score - (found.answers[i]?.[1] ?? Number.NaN)));
  return [`${same} of ${expected.answers.length}`, Math.max(...differences).toExponential(1)];
}
