/**
 * Scorers that name the likeliest tokens instead of whole rows: searches that ask for them find what they would have found,
 * and whoever needs whole rows gets them.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type GenerateRequest, generate, type Strategy } from '../../src/decode/generate.ts';
import type { StepScorer, TopRow } from '../../src/decode/scorer.ts';
import { seededRandom } from '../../src/decode/seeded-random.ts';
import { functionScorer, namingScorer } from './table-scorer.ts';

const V = 40;

/** Rows of logits that follow from the ids, some of them equal, some ruled out. */
function rowAfter(seed: number, tokenIds: readonly number[]): number[] {
  const random = seededRandom(tokenIds.reduce((state, id) => (state * 31 + id + 1) % 1_000_003, seed + 1));
  return Array.from({ length: V }, () => {
    const draw = random();
    return draw < 0.1 ? Number.NEGATIVE_INFINITY : Math.round(draw * 40) / 4;
  });
}

const rule = (scores: Float32Array | Float64Array) => {
  scores[3] = Number.NEGATIVE_INFINITY;
};

/** What searches ask for in place of whole rows: the strategy, the request, and the number of tokens. */
const ASKED: readonly (readonly [strategy: Strategy, request: Partial<GenerateRequest>, topK: number | undefined])[] = [
  [{ kind: 'greedy' }, {}, 1],
  [{ kind: 'greedy', minEnds: 2 }, {}, 1],
  [{ kind: 'greedy', noRepeatNgram: 2 }, {}, undefined],
  [{ kind: 'greedy' }, { processors: [rule] }, undefined],
  [{ kind: 'sample', n: 3, topK: 5, seed: 7 }, {}, 5],
  [{ kind: 'sample', n: 3, topK: 5, topP: 0.8, seed: 7 }, {}, 5],
  [{ kind: 'sample', topK: 5, temperature: 2, seed: 7 }, {}, undefined],
  [{ kind: 'sample', topP: 0.8, seed: 7 }, {}, undefined],
  [{ kind: 'sample', topK: 5, minP: 0.1, seed: 7 }, {}, undefined],
  [{ kind: 'sample', seed: 7 }, {}, undefined],
  [{ kind: 'beam', width: 4, n: 4 }, {}, 8],
  [{ kind: 'beam', width: 4, n: 4, groups: 2 }, {}, 4],
  [{ kind: 'beam', width: 24, n: 3, lengthPenalty: 0 }, {}, 48],
  [{ kind: 'beam', width: 4, groups: 2, diversityPenalty: 0.5 }, {}, undefined],
  [{ kind: 'beam', repetitionPenalty: 1.5 }, {}, undefined],
  [{ kind: 'bert4keras-beam', topK: 3 }, {}, 3],
  [{ kind: 'bert4keras-beam', topK: V }, {}, V],
  [{ kind: 'bert4keras-beam', topK: 3, temperature: 0.5 }, {}, undefined],
];

describe('the likeliest tokens in place of whole rows', () => {
  for (const [strategy, request, topK] of ASKED) {
    it(`${JSON.stringify(strategy)}${request.processors ? ' with a processor' : ''} asks for ${topK ?? 'all'}`, () =>
      fc.assert(
        fc.asyncProperty(fc.nat(), async seed => {
          const whole = functionScorer(V, 'logits', ids => rowAfter(seed, ids));
          const asked: (number | undefined)[] = [];
          const naming = namingScorer(whole, asked);
          const search = (scorer: StepScorer) => generate(scorer, strategy, { endId: 2, maxLen: 7, ...request });
          const [found, expected] = [await search(naming), await search(whole)];
          assert.deepEqual(new Set(asked.slice(0, 1)), new Set([topK]));
          assert.deepEqual(found.map(withoutScore), expected.map(withoutScore));
          for (const [i, { score }] of expected.entries()) {
            assert.ok(Math.abs((found[i]?.score ?? Number.NaN) - score) <= 2e-6 * Math.max(1, Math.abs(score)));
          }
        }),
        { numRuns: 30 },
      ));
  }

  it('may be more than were asked for', async () => {
    const whole = functionScorer(V, 'logits', ids => rowAfter(5, ids));
    const generous = { ...whole, score: namingScorer(whole, [], 9).score };
    const strategy: Strategy = { kind: 'bert4keras-beam', topK: 4 };
    const [found] = await generate(generous, strategy, { endId: 2, maxLen: 7 });
    const [expected] = await generate(whole, strategy, { endId: 2, maxLen: 7 });
    assert.deepEqual(found?.tokenIds, expected?.tokenIds);
  });

  it('are refused where the row could not be normalised', async () => {
    const row: TopRow = { ids: Int32Array.of(3), values: Float32Array.of(1), probability: Number.NaN };
    const broken = { ...functionScorer(V, 'logits', () => []), score: (async () => [row]) as never };
    await assert.rejects(generate(broken, { kind: 'greedy' }, { endId: 2, maxLen: 7 }), {
      name: 'InputError',
      message: /^step 0, row 0: logits of a decoding step; expected finite numbers/,
    });
  });
});

function withoutScore({ tokenIds, finished }: { readonly tokenIds: readonly number[]; readonly finished: boolean }) {
  return { tokenIds, finished };
}
