/**
 * Several passages answer one question together: at each step their distributions are merged into one, so that any search
 * runs over all of them as if they were one model. The rule is that of bert4keras'
 * examples/task_reading_comprehension_by_seq2seq.py (https://kexue.fm/archives/7115): sum(p²) / (sum(p) + 1) per token
 * over the passages that are kept; a passage whose first distribution has its maximum at the end token says "no answer
 * here" and is dropped for good.
 */
import { InputError } from '../core/errors.ts';
import { checkInteger } from './option-checks.ts';
import type { Hypothesis, ScoreArray, StepScorer } from './scorer.ts';
import { probabilityRows } from './softmax.ts';
import { argMax } from './top-k.ts';

/** What a passage said at the first step, before any constraint. */
export interface FirstVote {
  /** The likeliest token. */
  readonly tokenId: number;
  readonly probability: number;
  /** Probability of the end token. */
  readonly endProbability: number;
}

/** A scorer over passages; read its trace when the search is over. One serves one search. */
export interface VoteScorer extends StepScorer {
  readonly kind: 'probabilities';
  /** The passages that take part, by index. All of them until the first step has been scored. */
  readonly keptPassages: readonly number[];
  readonly trace: VoteTrace;
}

/** What happened in a search over passages. */
export interface VoteTrace {
  /** One entry per passage, from the first step. */
  readonly first: readonly FirstVote[];
  /** Per step, the passages that were merged; empty when all were dropped. */
  readonly kept: readonly (readonly number[])[];
}

/**
 * Merges the scorers of several passages into one. They are asked at the same time, so that an engine behind them can put
 * them into one batch; dropped ones are not asked again. When all are dropped, the end token has probability 1. Merged
 * values don't add up to 1.
 * @throws InputError without passages, or when their vocabularies differ in size.
 * @example
 * const scorer = vote(passages.map(open), { endId: 102 });
 * const { tokenIds } = await beamSearch(scorer, { topK: 1, endId: 102, maxLen: 32 });
 */
export function vote(scorers: readonly StepScorer[], { endId }: { readonly endId: number }): VoteScorer {
  const vocabSize = checkScorers(scorers, endId);
  const first: FirstVote[] = [];
  const kept: (readonly number[])[] = [];
  let keptPassages: readonly number[] = scorers.map((_, passage) => passage);
  const ask = (passage: number, hypotheses: readonly Hypothesis[], signal?: AbortSignal) =>
    scorers[passage]?.score(hypotheses, signal) ?? Promise.resolve(new Float32Array(0));

  return {
    vocabSize,
    kind: 'probabilities',
    get keptPassages() {
      return keptPassages;
    },
    trace: { first, kept },
    async score(hypotheses, signal) {
      const asked = keptPassages;
      const step = kept.length;
      const answers = await Promise.all(asked.map(passage => ask(passage, hypotheses, signal)));
      const sources = asked.map((passage, index) => {
        const scorer = scorers[passage] as StepScorer;
        const scores = answers[index] as ScoreArray;
        const rows = probabilityRows(scores, { scorer, rows: hypotheses.length, step, source: `passage ${passage}, ` });
        if (step === 0) first.push(firstVote(rows[0] ?? scores, endId));
        return scores;
      });
      if (step === 0) keptPassages = asked.filter(passage => first[passage]?.tokenId !== endId);
      kept.push(keptPassages);
      if (keptPassages.length === 0) return certainEnd(hypotheses.length, vocabSize, endId);
      return mergePassages(sources.filter((_, index) => keptPassages.includes(asked[index] ?? -1)));
    },
  };
}

/** sum(p²) / (sum(p) + 1), element by element, with every operation rounded to the arrays' precision, in their order. */
function mergePassages(sources: readonly ScoreArray[]): ScoreArray {
  const sum = (sources[0] ?? new Float32Array(0)).slice();
  const squares = sum.map(p => p * p);
  const isSingle = sum instanceof Float32Array;
  for (const source of sources.slice(1)) {
    for (let i = 0; i < source.length; i++) {
      const p = source[i] as number;
      sum[i] = (sum[i] as number) + p;
      squares[i] = (squares[i] as number) + (isSingle ? Math.fround(p * p) : p * p);
    }
  }
  for (let i = 0; i < sum.length; i++) {
    const divisor = (sum[i] as number) + 1;
    squares[i] = (squares[i] as number) / (isSingle ? Math.fround(divisor) : divisor);
  }
  return squares;
}

function firstVote(row: ScoreArray, endId: number): FirstVote {
  const tokenId = argMax(row);
  return { tokenId, probability: row[tokenId] ?? 0, endProbability: row[endId] ?? 0 };
}

function certainEnd(rows: number, vocabSize: number, endId: number): Float32Array {
  const scores = new Float32Array(rows * vocabSize);
  for (let row = 0; row < rows; row++) scores[row * vocabSize + endId] = 1;
  return scores;
}

function checkScorers(scorers: readonly StepScorer[], endId: number): number {
  checkInteger('endId', endId, 0);
  const vocabSize = scorers[0]?.vocabSize;
  if (vocabSize === undefined) {
    throw new InputError({ what: 'passages', expected: 'at least one', found: 'none' });
  }
  const other = scorers.findIndex(scorer => scorer.vocabSize !== vocabSize);
  if (other >= 0) {
    const found = String(scorers[other]?.vocabSize);
    throw new InputError({ what: 'vocabulary size', place: `passage ${other}`, expected: String(vocabSize), found });
  }
  return vocabSize;
}
