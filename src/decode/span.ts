/**
 * Decoding of the non-autoregressive reader (bert4keras examples/task_reading_comprehension_by_mlm.py,
 * https://kexue.fm/archives/7148): one forward pass gives a distribution per masked answer position; per passage the
 * likeliest token that continues the answer so far inside the passage is taken, until the end token.
 */
import { InputError } from '../core/errors.ts';
import { checkInteger } from './option-checks.ts';
import { advanceMatches, continuations, createPassageIndex, firstMatches } from './passage-index.ts';
import type { ScoreArray } from './scorer.ts';

/** What to decode a span from. */
export interface SpanOptions {
  /** Ids of the passage as the model sees it, with its closing end token. */
  readonly passageIds: readonly number[];
  /** Answer positions: rows of the block. */
  readonly maxAnswerLen: number;
  readonly endId: number;
}

/** A passage's answer. */
export interface Span {
  /** With the end token, unless `maxAnswerLen` cut it off. */
  readonly tokenIds: readonly number[];
  /** Probability of each token, not renormalised. */
  readonly probabilities: readonly number[];
  /** Mean of `probabilities`. */
  readonly score: number;
}

/**
 * Reads a span from `block`, probabilities of shape [maxAnswerLen, V]. Equal probabilities go to the lowest id. Where every
 * allowed token has probability 0 the answer ends there (bert4keras' script takes id 0 and fails with a KeyError).
 * @throws InputError when the block is not maxAnswerLen rows, or holds NaN where it is read.
 */
export function decodeSpan(block: ScoreArray, { passageIds, maxAnswerLen, endId }: SpanOptions): Span {
  checkInteger('maxAnswerLen', maxAnswerLen, 1);
  const vocabSize = checkBlock(block, maxAnswerLen);
  const index = createPassageIndex([passageIds]);
  let matches = firstMatches(index, [0]);
  const tokenIds: number[] = [];
  const probabilities: number[] = [];
  while (tokenIds.length < maxAnswerLen && tokenIds.at(-1) !== endId) {
    const row = block.subarray(tokenIds.length * vocabSize, (tokenIds.length + 1) * vocabSize);
    const tokenId = likeliest(row, continuations(index, matches), endId);
    tokenIds.push(tokenId);
    probabilities.push(checkProbability(row[tokenId] ?? 0, tokenIds.length - 1));
    matches = advanceMatches(index, matches, tokenId);
  }
  const score = probabilities.reduce((sum, probability) => sum + probability, 0) / probabilities.length;
  return { tokenIds, probabilities, score };
}

function likeliest(row: ScoreArray, allowed: Int32Array, endId: number): number {
  let best = endId;
  let value = row[endId] ?? 0;
  for (const tokenId of allowed) {
    const candidate = row[tokenId] ?? 0;
    if (candidate > value || (candidate === value && value > 0 && tokenId < best) || Number.isNaN(candidate)) {
      best = tokenId;
      value = candidate;
    }
  }
  return best;
}

function checkBlock(block: ScoreArray, maxAnswerLen: number): number {
  if (block.length > 0 && block.length % maxAnswerLen === 0) return block.length / maxAnswerLen;
  throw new InputError({
    what: 'block of answer probabilities',
    expected: `${maxAnswerLen} rows`,
    found: `${block.length} values`,
  });
}

function checkProbability(probability: number, step: number): number {
  if (probability >= 0 && probability < Number.POSITIVE_INFINITY) return probability;
  throw new InputError({
    what: 'answer probability',
    place: `answer position ${step}`,
    expected: 'a finite number from 0 up',
    found: String(probability),
  });
}
