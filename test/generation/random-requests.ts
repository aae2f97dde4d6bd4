/** Arbitrary requests: prompts, and trees of hypotheses that a search might ask for. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { extendHypothesis, type Hypothesis, rootHypothesis, type TopRow } from '../../src/decode/scorer.ts';
import type { createGenerator } from '../../src/generation/generator.ts';
import type { Sequence } from '../../src/generation/visibility.ts';
import type { Model } from '../../src/model.ts';
import { assertClose } from './converted-case.ts';

/** A request with the steps of a search. */
export interface GeneratedRequest {
  readonly prompt: Sequence;
  readonly segmentId: number;
  /** Steps of rows: which row of the step before is extended, by which token. */
  readonly steps: readonly (readonly { readonly parent: number; readonly tokenId: number }[])[];
  /** Whether its cache rests after a step, as a chat's does. */
  readonly rests: boolean;
  /** Whether every step is asked for by two calls, the rows of the second reversed. */
  readonly twice: boolean;
  /** How many of the likeliest tokens the first of these calls asks for; whole rows where it is 0. */
  readonly topK: number;
}

/** Requests that a model can take. */
export function requestOf(model: Model): fc.Arbitrary<GeneratedRequest> {
  const { vocabSize, segmentVocabSize } = model.manifest.dimensions;
  const token = fc.nat(vocabSize - 1);
  const segments = Math.max(1, segmentVocabSize) - 1;
  const { visibility, crossAttention = false } = model.manifest.attention;
  const prefix = visibility === 'prefix';
  const row = fc.record({ parent: fc.nat(5), tokenId: token });
  return fc.record({
    prompt: fc
      .array(fc.record({ tokenId: token, segmentId: fc.nat(prefix ? 0 : segments) }), { minLength: 1, maxLength: 12 })
      .chain(items => fc.tuple(fc.constant(items), fc.array(token, { minLength: 1, maxLength: 3 })))
      .map(([items, target]) => ({
        tokenIds: [...items.map(item => item.tokenId), ...(crossAttention ? target : [])],
        segmentIds: [...items.map(item => item.segmentId), ...(crossAttention ? target.map(() => 1) : [])],
      })),
    segmentId: prefix ? fc.constant(1) : fc.nat(segments),
    steps: fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { maxLength: 9 }),
    rests: fc.boolean(),
    twice: fc.boolean(),
    topK: fc.nat(3),
  });
}

/** Goes through a request's steps with two engines and compares every score. */
export async function compareScorers(
  { prompt, segmentId, steps, rests, twice, topK }: GeneratedRequest,
  cached: ReturnType<typeof createGenerator>,
  plain: ReturnType<typeof createGenerator>,
): Promise<void> {
  const [scorer, reference] = [cached.start(prompt, { segmentId }), plain.start(prompt, { segmentId })];
  let rows: readonly Hypothesis[] = [rootHypothesis()];
  for (const step of [undefined, ...steps]) {
    const parents = rows;
    if (step !== undefined) {
      rows = step.map(({ parent, tokenId }) =>
        extendHypothesis(parents[parent % parents.length] ?? rootHypothesis(), tokenId),
      );
    }
    const [found, expected, reversed] = await Promise.all([
      topK > 0 ? scorer.score(rows, undefined, topK) : scorer.score(rows),
      reference.score(rows),
      twice ? scorer.score([...rows].reverse()) : [],
    ]);
    const wholeRows = rowsOf(expected, rows.length);
    if ('buffer' in found) assertClose(found, expected);
    else for (const [i, row] of wholeRows.entries()) assertLikeliest(found[i] ?? assert.fail(), row, topK);
    if (twice) assertClose(rowsOf(reversed, rows.length).reverse().flat(), expected);
    if (rests) scorer.rest();
  }
  scorer.release();
  reference.release();
}

/** Ids in the order of their logits, by which near ties may stand either way; logits; and the first one's probability. */
function assertLikeliest({ ids, values, probability }: TopRow, row: readonly number[], topK: number): void {
  assert.ok(ids.length >= topK && new Set(ids).size === ids.length);
  assertClose(
    values,
    [...ids].map(id => row[id] ?? Number.NaN),
  );
  const sorted = [...row].sort((a, b) => b - a);
  assertClose(values, sorted.slice(0, ids.length));
  const [largest = 0] = sorted;
  assertClose([probability], [1 / row.reduce((sum, score) => sum + Math.exp(score - largest), 0)]);
}

function rowsOf(scores: ArrayLike<number>, count: number): number[][] {
  const all = Array.from(scores);
  const size = all.length / count;
  return Array.from({ length: count }, (_, i) => all.slice(i * size, (i + 1) * size));
}
