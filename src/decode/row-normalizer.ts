/**
 * From a row of scores to probabilities without writing the whole row: one pass finds what normalisation needs, after
 * which any single probability costs one exponential. The rules are those of bert4keras' `AutoRegressiveDecoder.wraps`
 * (bert4keras/snippets.py, https://github.com/bojone/bert4keras): logits become softmax(x / T); probabilities become
 * p^(1/T), renormalised, when T is not 1, and are taken as they are when it is.
 *
 * Probabilities of float32 rows are computed with each elementary step rounded to float32, as NumPy does; sums are kept
 * in double and rounded once.
 */
import { InputError } from '../core/errors.ts';
import { exponential, sumOfExponentials } from './exponential.ts';
import type { ScoreArray, StepScorer } from './scorer.ts';
import { type ScoredRow, scoreOf } from './top-row.ts';

/** Turns the scores of one row at a time into probabilities. */
export interface RowNormalizer {
  /**
   * Reads `row`, whose largest entry is `largest`, and makes it the current one. `place` says in errors where it came
   * from (`step 3, row 0`). The likeliest tokens alone are enough for logits at temperature 1.
   * @throws InputError for NaN, +Infinity, a negative probability, or a row without any mass.
   */
  prepare(row: ScoredRow, largest: number, place: string): void;
  /** Probability of an entry of the current row, given its score. */
  probability(score: number): number;
  /** ln p of an entry of the current row; -Infinity for 0. */
  logProbability(score: number): number;
  /** log(p + 1e-12) in the row's precision: what bert4keras sums in a beam search. */
  flooredLog(score: number): number;
  /** Sum of the current row's probabilities: 1 except for probabilities that were not normalised. */
  readonly mass: number;
}

/** bert4keras' floor under logarithms. */
const LOG_FLOOR = 1e-12;

/** A normalizer for rows of `kind` at temperature `temperature` (> 0; checked by the searches). */
export function createRowNormalizer(kind: StepScorer['kind'], temperature: number): RowNormalizer {
  if (kind === 'logits') return logitsNormalizer(temperature);
  return temperature === 1 ? probabilitiesNormalizer() : tempered(temperature);
}

function logitsNormalizer(temperature: number): RowNormalizer {
  let round = Math.fround;
  let largest = 0;
  let total = 1;
  const probability = (score: number) => round(round(exponential(round(round(score / temperature) - largest))) / total);
  return {
    prepare(row, top, place) {
      round = roundingOf(row);
      largest = round(top / temperature);
      const sum = 'ids' in row ? 1 / row.probability : sumOfExponentials(row, top, 1 / temperature);
      if (!(sum > 0)) throw unusableScores(row, place, 'logits');
      total = round(sum);
    },
    probability,
    logProbability: score => round(round(round(score / temperature) - largest) - Math.log(total)),
    flooredLog: score => flooredLog(probability(score), round),
    mass: 1,
  };
}

function probabilitiesNormalizer(): RowNormalizer {
  let round = Math.fround;
  let mass = 1;
  return {
    prepare(row: ScoreArray, _top, place) {
      round = roundingOf(row);
      mass = sumOfProbabilities(row, place);
    },
    probability: score => score,
    logProbability: score => round(Math.log(score)),
    flooredLog: score => flooredLog(score, round),
    get mass() {
      return mass;
    },
  };
}

function tempered(temperature: number): RowNormalizer {
  let round = Math.fround;
  let total = 1;
  const power = 1 / temperature;
  const probability = (score: number) => round(round(score ** power) / total);
  return {
    prepare(row: ScoreArray, top, place) {
      round = roundingOf(row);
      if (sumOfProbabilities(row, place) === 0) throw unusableScores(row, place, 'probabilities');
      total = round(sumOfPowers(row, top, power) * top ** power);
    },
    probability,
    logProbability: score => round(Math.log(probability(score))),
    flooredLog: score => flooredLog(probability(score), round),
    mass: 1,
  };
}

function flooredLog(probability: number, round: (x: number) => number): number {
  return round(Math.log(round(probability + round(LOG_FLOOR))));
}

/** What rounds as the row's numbers do. */
export function roundingOf(row: ScoredRow): (x: number) => number {
  return ('ids' in row ? row.values : row) instanceof Float32Array ? Math.fround : identity;
}

function identity(x: number): number {
  return x;
}

/** Sum of (p / top)^power. */
function sumOfPowers(row: ScoreArray, top: number, power: number): number {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += exponential(Math.log((row[i] as number) / top) * power);
  return sum;
}

function sumOfProbabilities(row: ScoreArray, place: string): number {
  let sum = 0;
  let lowest = 0;
  for (let i = 0; i < row.length; i++) {
    const value = row[i] as number;
    if (value < lowest) lowest = value;
    sum += value;
  }
  if (lowest < 0 || !(sum < Number.POSITIVE_INFINITY)) throw unusableScores(row, place, 'probabilities');
  return sum;
}

/** The error for a row that can't be normalised: names the first score that is to blame. */
export function unusableScores(row: ScoredRow, place: string, kind: StepScorer['kind']): InputError {
  const isBad = kind === 'logits' ? isBadLogit : (value: number) => !(value >= 0 && value < Number.POSITIVE_INFINITY);
  const tokenId = 'ids' in row ? -1 : row.findIndex(isBad);
  return new InputError({
    what: `${kind} of a decoding step`,
    place,
    expected:
      kind === 'logits' ? 'finite numbers (-Infinity for tokens that are ruled out)' : 'finite numbers from 0 up',
    found: tokenId < 0 ? 'no token that is not ruled out' : `${scoreOf(row, tokenId)} for token ${tokenId}`,
    next: 'Check the weights.',
  });
}

function isBadLogit(value: number): boolean {
  return Number.isNaN(value) || value === Number.POSITIVE_INFINITY;
}
