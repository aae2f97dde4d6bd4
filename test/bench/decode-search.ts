/**
 * What TypeScript costs in a decoding step: milliseconds per step of each search over a vocabulary of 21,128 words, for
 * 1, 8 and 64 rows, with the scorer's own time taken off. Run with `npx tsx test/bench/decode-search.ts`.
 */
import { beamSearch } from '../../src/decode/beam-search.ts';
import { constrain } from '../../src/decode/constrain.ts';
import { generate } from '../../src/decode/generate.ts';
import { nBestSearch } from '../../src/decode/n-best-search.ts';
import { randomSample } from '../../src/decode/random-sample.ts';
import type { StepScorer } from '../../src/decode/scorer.ts';
import { seededRandom } from '../../src/decode/seeded-random.ts';
import { vote } from '../../src/decode/vote.ts';

const V = 21128;
const STEPS = 20;
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

const passages = Array.from({ length: 8 }, () => Array.from({ length: 250 }, () => Math.floor(random() * V)));
const request = { endId: END, maxLen: STEPS };

const searches: Readonly<Record<string, (scorer: () => StepScorer, rows: number) => Promise<unknown>>> = {
  'bert4keras beam, topK = rows': (scorer, rows) => beamSearch(scorer(), { ...request, topK: rows }),
  'greedy, 1 row': (scorer, rows) => (rows > 1 ? skip() : generate(scorer(), { kind: 'greedy' }, request)),
  'sample topK 40 topP 0.9, n = rows': (scorer, rows) =>
    randomSample(scorer(), { ...request, n: rows, topK: 40, topP: 0.9, temperature: 0.8, random: seededRandom(2) }),
  'sample topP 0.9, n = rows': (scorer, rows) =>
    randomSample(scorer(), { ...request, n: rows, topP: 0.9, random: seededRandom(2) }),
  'sample, penalties + minP, n = rows': (scorer, rows) =>
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
  'n-best beam, width = rows': (scorer, rows) => nBestSearch(scorer(), { ...request, width: rows, n: 1 }),
  'vote of 8 passages, constrained, topK 1': (scorer, rows) => (rows === 8 ? voted(scorer) : skip()),
};

function voted(scorer: () => StepScorer) {
  const merged = vote(
    passages.map(() => scorer()),
    { endId: V - 1 },
  );
  return beamSearch(constrain(merged, passages, { endId: V - 1 }), { ...request, topK: 1 });
}

async function skip(): Promise<null> {
  return null;
}

async function measure(search: (scorer: () => StepScorer, rows: number) => Promise<unknown>, rows: number) {
  const times: number[] = [];
  for (let round = 0; round < 7; round++) {
    const scorers: (StepScorer & { spent: number })[] = [];
    const open = () => {
      const scorer = timedScorer();
      scorers.push(scorer);
      return scorer;
    };
    const start = performance.now();
    if ((await search(open, rows)) === null) return null;
    const spent = scorers.reduce((sum, scorer) => sum + scorer.spent, 0);
    times.push((performance.now() - start - spent) / STEPS);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

console.log(
  `ms per step, median of 7 runs of ${STEPS} steps, V = ${V}; in brackets the share of a step whose model takes ${MODEL_MS} ms`,
);
for (const [name, search] of Object.entries(searches)) {
  const cells: string[] = [];
  for (const rows of [1, 8, 64]) {
    const ms = await measure(search, rows);
    const share = rows === 1 && ms !== null ? ` (${((100 * ms) / (ms + MODEL_MS)).toFixed(1)} %)` : '';
    if (ms !== null) cells.push(`${rows} rows ${ms.toFixed(2)}${share}`);
  }
  console.log(`${name.padEnd(42)} ${cells.join('   ')}`);
}
