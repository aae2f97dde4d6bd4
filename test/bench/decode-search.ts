/**
 * What TypeScript costs in a decoding step: milliseconds per step of each search over a vocabulary of 21,128 words, for
 * 1, 8 and 64 rows, with the scorer's own time taken off. The fastest of several rounds counts, since other programs run.
 *
 *     [BEFORE=<another checkout>] npx tsx test/bench/decode-search.ts
 *
 * With BEFORE, the searches of that checkout take turns with ours, and a ratio follows: how many times as fast ours are.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StepScorer } from '../../src/decode/scorer.ts';
import { seededRandom } from '../../src/decode/seeded-random.ts';

const V = 21128;
const STEPS = 20;
const ROUNDS = 7;
const END = V; // never drawn, so that every search takes all its steps
const MODEL_MS = 15; // a fast model's step for one row

const random = seededRandom(1);
/** Logits whose probabilities fall roughly with the 1.5th power of their rank, in random order: p ∝ u^-1.5, u uniform. */
const logits = Float32Array.from({ length: V * 65 }, () => -1.5 * Math.log(random() + 1 / V));

/** Gives other rows of `logits` at each step; `spent` is the time that took. */
function timedScorer(): StepScorer & { spent: number } {
  let step = 0;
  const scorer = {
    vocabSize: V,
    kind: 'logits' as const,
    spent: 0,
    async score(hypotheses: readonly unknown[]) {
      const start = performance.now();
      const offset = (step++ * 977) % V;
      const scores = logits.slice(offset, offset + hypotheses.length * V);
      scorer.spent += performance.now() - start;
      return scores;
    },
  };
  return scorer;
}

/** The searches of one version of this repository. */
async function searchesOf(root: string) {
  const load = (name: string) => import(pathToFileURL(path.join(root, 'src/decode', name)).href);
  const { beamSearch }: typeof import('../../src/decode/beam-search.ts') = await load('beam-search.ts');
  const { constrain }: typeof import('../../src/decode/constrain.ts') = await load('constrain.ts');
  const { generate }: typeof import('../../src/decode/generate.ts') = await load('generate.ts');
  const { nBestSearch }: typeof import('../../src/decode/n-best-search.ts') = await load('n-best-search.ts');
  const { randomSample }: typeof import('../../src/decode/random-sample.ts') = await load('random-sample.ts');
  const { vote }: typeof import('../../src/decode/vote.ts') = await load('vote.ts');
  return { beamSearch, constrain, generate, nBestSearch, randomSample, vote };
}

type Searches = Awaited<ReturnType<typeof searchesOf>>;
type OpenScorer = () => StepScorer;
type Search = (searches: Searches, scorer: OpenScorer, rows: number) => Promise<unknown>;

const passages = Array.from({ length: 8 }, () => Array.from({ length: 250 }, () => Math.floor(random() * V)));
const request = { endId: END, maxLen: STEPS };

const cases: Readonly<Record<string, Search>> = {
  'bert4keras beam, topK = rows': ({ beamSearch }, scorer, rows) => beamSearch(scorer(), { ...request, topK: rows }),
  'greedy, 1 row': ({ generate }, scorer, rows) =>
    rows > 1 ? skip() : generate(scorer(), { kind: 'greedy' }, request),
  'sample topK 40 topP 0.9, n = rows': ({ randomSample }, scorer, rows) =>
    randomSample(scorer(), { ...request, n: rows, topK: 40, topP: 0.9, temperature: 0.8, random: seededRandom(2) }),
  'sample topP 0.9, n = rows': ({ randomSample }, scorer, rows) =>
    randomSample(scorer(), { ...request, n: rows, topP: 0.9, random: seededRandom(2) }),
  'sample, penalties + minP, n = rows': ({ generate }, scorer, rows) =>
    generate(
      scorer(),
      {
        kind: 'sample',
        n: rows,
        seed: 2,
        repetitionPenalty: 1.2,
        noRepeatNgram: 3,
        temperature: 0.8,
        topK: 40,
        minP: 0.05,
      },
      request,
    ),
  'n-best beam, width = rows': ({ nBestSearch }, scorer, rows) =>
    nBestSearch(scorer(), { ...request, width: rows, n: 1 }),
  'vote of 8 passages, constrained, topK 1': (searches, scorer, rows) =>
    rows === 8 ? voted(searches, scorer) : skip(),
};

function voted({ beamSearch, constrain, vote }: Searches, scorer: OpenScorer) {
  const merged = vote(
    passages.map(() => scorer()),
    { endId: V - 1 },
  );
  return beamSearch(constrain(merged, passages, { endId: V - 1 }), { ...request, topK: 1 });
}

async function skip(): Promise<null> {
  return null;
}

/** Milliseconds per step of one whole search; null where the case has no such number of rows. */
async function measure(search: Search, searches: Searches, rows: number): Promise<number | null> {
  const scorers: (StepScorer & { spent: number })[] = [];
  const open = () => {
    const scorer = timedScorer();
    scorers.push(scorer);
    return scorer;
  };
  const start = performance.now();
  if ((await search(searches, open, rows)) === null) return null;
  const spent = scorers.reduce((sum, scorer) => sum + scorer.spent, 0);
  return (performance.now() - start - spent) / STEPS;
}

const before = process.env['BEFORE'];
const versions = [await searchesOf('.'), ...(before === undefined ? [] : [await searchesOf(path.resolve(before))])];
console.log(
  `ms per step, fastest of ${ROUNDS} runs of ${STEPS} steps, V = ${V}; in brackets the share of a step whose model takes ${MODEL_MS} ms`,
);
for (const [name, search] of Object.entries(cases)) {
  const cells: string[] = [];
  for (const rows of [1, 8, 64]) {
    const times: number[][] = versions.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [version, searches] of versions.entries()) {
        const ms = await measure(search, searches, rows);
        if (ms !== null) times[version]?.push(ms);
      }
    }
    const [ours = Number.NaN, theirs] = times.map(own => Math.min(...own));
    if (!Number.isFinite(ours)) continue;
    const share = rows === 1 ? ` (${((100 * ours) / (ours + MODEL_MS)).toFixed(1)} %)` : '';
    const ratio = theirs === undefined ? '' : ` ${(theirs / ours).toFixed(2)}x`;
    cells.push(`${rows} rows ${ours.toFixed(2)}${share}${ratio}`);
  }
  console.log(`${name.padEnd(42)} ${cells.join('   ')}`);
}
