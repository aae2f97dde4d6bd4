/**
 * What a process holds resident for a model of BERT-base size (UniLM, 411 MB of weights, all layers different): with
 * sessions in its main thread and in workers, weights laid out for each session or left in the mapped file. Each line is a
 * process of its own, which computes a prompt of 128 tokens and a step in every worker. Linux only: it reads
 * /proc/self/smaps_rollup. Then what leaving weights in the file costs: two sessions in one process take turns.
 *
 *     npx tsx test/bench/resident-memory.ts [--write]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extendHypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import { openGenerator } from '../../src/generation/open-generator.ts';
import { loadModel } from '../../src/node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder, median } from './bench-model.ts';
import { report } from './performance-table.ts';

/** What a process opens. */
interface Arrangement {
  readonly name: string;
  /** Without it nothing is loaded but the runtime and a tokenizer. */
  readonly workers?: number;
  readonly shareWeights?: boolean;
  /** Open `model.onnx` beside the step graph. */
  readonly both?: boolean;
}

const ARRANGEMENTS: readonly Arrangement[] = [
  { name: 'nothing loaded' },
  { name: 'one session', workers: 0 },
  { name: 'sessions of two graphs', workers: 0, both: true },
  { name: '1 worker', workers: 1 },
  { name: '2 workers', workers: 2 },
  { name: 'one session, weights shared', workers: 0, shareWeights: true },
  { name: 'sessions of two graphs, weights shared', workers: 0, both: true, shareWeights: true },
  { name: '2 workers, weights shared', workers: 2, shareWeights: true },
];

/** Prompts or rows, with tokens of each, that are timed. */
const SHAPES = [
  { name: 'prompt of 128', rows: 1, prompt: true },
  { name: 'step, 1 row', rows: 1, prompt: false },
  { name: 'step, 8 rows', rows: 8, prompt: false },
];

const PROMPT = { tokenIds: Array.from({ length: 128 }, (_, i) => 100 + i), segmentIds: new Array<number>(128).fill(0) };

const [, , directory, arrangement] = process.argv;
if (arrangement === undefined) await measureAll();
else console.log(JSON.stringify(await measureHere(String(directory), JSON.parse(arrangement))));

async function measureAll(): Promise<void> {
  await inFolder(async folder => {
    await writeBaseCheckpoint(folder);
    const model = await convertIn(folder, 'model', { model: 'bert', application: 'unilm' });
    const rows = ARRANGEMENTS.map(one => {
      const { anonymous, file } = inProcess(model, one);
      return [one.name, ...[anonymous, file, anonymous + file].map(bytes => (bytes / 1e6).toFixed(0))];
    });
    await report('memory', [['', 'own, MB', 'mapped from files, MB', 'resident, MB'], ...rows]);
    await report('memory-cost', [['', 'laid out, ms', 'shared, ms', 'ratio'], ...(await compareTimes(model))]);
  });
}

interface Resident {
  readonly anonymous: number;
  readonly file: number;
}

function inProcess(model: string, one: Arrangement): Resident {
  const script = new URL(import.meta.url).pathname;
  const output = execFileSync(process.execPath, ['--import', 'tsx', script, model, JSON.stringify(one)]);
  return JSON.parse(output.toString());
}

async function measureHere(model: string, { workers, shareWeights = false, both }: Arrangement): Promise<Resident> {
  if (workers === undefined) return resident();
  const loaded = await loadModel(model, { workers, session: { shareWeights } });
  if (both === true) await loaded.openGraph('model');
  const generator = await openGenerator(loaded);
  const scorers = Array.from({ length: Math.max(1, workers) }, () => generator.start(PROMPT, { segmentId: 1 }));
  const root = rootHypothesis();
  for (const row of [root, extendHypothesis(root, 7)]) await Promise.all(scorers.map(scorer => scorer.score([row])));
  const found = resident();
  await loaded.dispose();
  return found;
}

/** Bytes of this process in memory: its own, and mapped from files, where a page counts once, however often it is mapped. */
function resident(): Resident {
  const totals = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const bytes = (key: string) => 1024 * Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(totals)?.[1]);
  return { anonymous: bytes('Pss_Anon'), file: bytes('Pss_File') };
}

/** The two kinds of sessions in turn; ratios of neighbours. */
async function compareTimes(directory: string): Promise<string[][]> {
  const models = [await loadModel(directory), await loadModel(directory, { session: { shareWeights: true } })];
  const generators = await Promise.all(
    models.map(async model => createGenerator(await model.openGraph('step'), model.manifest)),
  );
  const rows: string[][] = [];
  for (const { name, rows: count, prompt } of SHAPES) {
    const times: number[][] = generators.map(() => []);
    for (let round = 0; round < 9; round++) {
      for (const [side, generator] of generators.entries()) {
        const scorer = generator.start(PROMPT, { segmentId: 1 });
        const root = rootHypothesis();
        let start = performance.now();
        await scorer.score([root]);
        if (!prompt) {
          start = performance.now();
          await scorer.score(Array.from({ length: count }, (_, i) => extendHypothesis(root, 10 + i)));
        }
        times[side]?.push(performance.now() - start);
        scorer.release();
      }
    }
    const [laidOut = [], shared = []] = times;
    const ratios = shared.map((time, i) => time / (laidOut[i] ?? Number.NaN));
    const cells = [median(laidOut).toFixed(1), median(shared).toFixed(1), `${median(ratios).toFixed(2)}×`];
    rows.push([name, ...cells]);
  }
  for (const model of models) await model.dispose();
  return rows;
}
