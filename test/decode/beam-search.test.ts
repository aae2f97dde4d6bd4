/**
 * Beam search with bert4keras' rules: against its definition, step by step over sorted lists, and its edges.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AbortedError, ConfigError, InputError } from '../../src/core/errors.ts';
import { type BeamSearchOptions, beamSearch } from '../../src/decode/beam-search.ts';
import { createProcessors } from '../../src/decode/processors/index.ts';
import { randomSample } from '../../src/decode/random-sample.ts';
import type { StepEvent } from '../../src/decode/step-events.ts';
import { functionScorer } from './table-scorer.ts';

const V = 5;
const END = 4;

/** A scorer over a random table of rows by last token. */
const tableOf = fc.array(fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: V, maxLength: V }), {
  minLength: V + 1,
  maxLength: V + 1,
});

function rowOf(table: readonly (readonly number[])[], ids: readonly number[]): number[] {
  return (table[ids.at(-1) ?? V] ?? []).map(value => Math.fround(value));
}

const searchOf = fc.record({
  topK: fc.integer({ min: 1, max: V }),
  startId: fc.constantFrom(null, 0, END),
  maxLen: fc.integer({ min: 1, max: 6 }),
  minLen: fc.integer({ min: 0, max: 4 }),
  minEnds: fc.integer({ min: 0, max: 3 }),
});

type Search = Required<Pick<BeamSearchOptions, 'topK' | 'startId' | 'maxLen' | 'minLen' | 'minEnds'>>;

/** The definition, with whole lists and full sorts. */
function define(table: readonly (readonly number[])[], { topK, startId = null, maxLen, ...rest }: Search) {
  const { minLen = 1, minEnds = 1 } = rest;
  let beams = [{ score: 0, ids: startId === null ? [] : [startId] }];
  const isDone = ({ ids }: { ids: number[] }) => ids.at(-1) === END && ids.filter(id => id === END).length >= minEnds;
  const generated = (ids: readonly number[]) => ids.slice(startId === null ? 0 : 1);
  for (let step = 0; step < maxLen; step++) {
    const width = step === 0 ? topK : beams.length;
    beams = beams
      .flatMap(({ score, ids }) =>
        rowOf(table, generated(ids))
          .map((p, id) => ({ p, id }))
          .sort((a, b) => b.p - a.p || a.id - b.id)
          .map(({ p, id }) => ({ score: score + Math.fround(Math.log(Math.fround(p + 1e-12))), ids: [...ids, id] })),
      )
      .sort((a, b) => b.score - a.score)
      .slice(0, width);
    const [best] = beams;
    if (best !== undefined && best.ids.length >= minLen) {
      if (isDone(best)) return best;
      beams = beams.filter(beam => !isDone(beam));
    }
  }
  return beams[0];
}

function scorerOf(table: readonly (readonly number[])[]) {
  return functionScorer(V, 'probabilities', ids => rowOf(table, ids));
}

describe('beamSearch', () => {
  it('equals its definition', async () => {
    const property = async (table: number[][], search: Search) => {
      const found = await beamSearch(scorerOf(table), { ...search, endId: END });
      const expected = define(table, search);
      assert.deepEqual({ score: found.score, ids: found.tokenIds }, expected);
    };
    await fc.assert(fc.asyncProperty(tableOf, searchOf, property), { numRuns: 500 });
  });

  it('records each step: token, probability, number of beams', async () => {
    const scorer = functionScorer(3, 'logits', ids => (ids.length < 2 ? [Math.log(4), 0, 0] : [0, 0, Math.log(2)]));
    const { steps, score, finished } = await beamSearch(scorer, { topK: 2, endId: 2, maxLen: 5 });
    assert.deepEqual(
      steps.map(step => [step.tokenId, step.beams]),
      [
        [0, 1],
        [0, 2],
        [2, 2],
      ],
    );
    const [first = 0, second = 0, third = 0] = steps.map(step => step.probability);
    assert.ok(Math.abs(first - 2 / 3) < 1e-7 && Math.abs(second - 2 / 3) < 1e-7 && Math.abs(third - 0.5) < 1e-7);
    assert.ok(Math.abs(score - Math.log((2 / 3) ** 2 / 2)) < 1e-6);
    assert.equal(finished, true);
  });

  it('of width 1 equals sampling with topK 1', async () => {
    const property = async (table: number[][], search: Search) => {
      const options = { ...search, endId: END };
      const one = await beamSearch(scorerOf(table), { ...options, topK: 1 });
      const [greedy] = await randomSample(scorerOf(table), { ...options, topK: 1, random: () => 0.999 });
      assert.deepEqual(greedy?.tokenIds, one.tokenIds);
      assert.equal(greedy?.finished, one.finished);
    };
    await fc.assert(fc.asyncProperty(tableOf, searchOf, property));
  });

  it('streams every token of the answer once, in order', async () => {
    const property = async (table: number[][], search: Search) => {
      const events: StepEvent[] = [];
      const options = { ...search, endId: END, onStep: (event: StepEvent) => events.push(event) };
      const { tokenIds } = await beamSearch(scorerOf(table), options);
      const streamed = events.flatMap(event => event.tokenIds);
      assert.deepEqual(search.startId === null ? streamed : [search.startId, ...streamed], tokenIds);
      assert.ok(events.every((event, index) => index === 0 || event.step >= (events[index - 1]?.step ?? 0)));
    };
    await fc.assert(fc.asyncProperty(tableOf, searchOf, property));
  });

  it('leaves probabilities alone that no processor touches', async () => {
    const property = async (table: number[][], search: Search) => {
      const processors = createProcessors({ suppressTokens: [1] });
      const options = { ...search, topK: 1, endId: END };
      const masked = await beamSearch(scorerOf(table), { ...options, processors });
      const zeroed = table.map(row => row.map((p, id) => (id === 1 ? 0 : p)));
      assert.deepEqual(masked, await beamSearch(scorerOf(zeroed), options));
    };
    await fc.assert(fc.asyncProperty(tableOf, searchOf, property));
  });

  it('stops when aborted, before the next step', async () => {
    const controller = new AbortController();
    let calls = 0;
    const scorer = functionScorer(2, 'probabilities', () => {
      if (++calls === 3) controller.abort(new Error('enough'));
      return [0.9, 0.1];
    });
    const search = beamSearch(scorer, { topK: 1, endId: 1, maxLen: 100, signal: controller.signal });
    await assert.rejects(search, AbortedError);
    assert.equal(calls, 3);
  });

  it('names step, row and token of scores that are not finite', async () => {
    const bad = (kind: 'logits' | 'probabilities', value: number) =>
      functionScorer(2, kind, ids => (ids.length === 0 ? [0.5, 0.4] : [ids[0] === 1 ? value : 0.5, 0.1]));
    const options = { topK: 2, endId: 5, maxLen: 3 };
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(beamSearch(bad('logits', value), options), error => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, /step 1, row 1.*token 0/);
        return true;
      });
      await assert.rejects(beamSearch(bad('probabilities', value), options), /step 1, row 1.*token 0/);
    }
    await assert.rejects(beamSearch(bad('probabilities', -0.1), options), /found -0.1.* for token 0/);
    await beamSearch(bad('logits', Number.NEGATIVE_INFINITY), options);
    const none = functionScorer(2, 'logits', () => [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    await assert.rejects(beamSearch(none, options), /no token that is not ruled out/);
  });

  it('refuses options out of range and a wrong number of scores', async () => {
    const scorer = functionScorer(3, 'probabilities', () => [0.2, 0.3, 0.5]);
    const good = { topK: 1, endId: 2, maxLen: 3 };
    const wrong = [
      { topK: 0 },
      { topK: 1.5 },
      { maxLen: 0 },
      { minLen: -1 },
      { minEnds: -1 },
      { temperature: 0 },
      { endId: -1 },
    ];
    for (const change of wrong) {
      await assert.rejects(beamSearch(scorer, { ...good, ...change }), ConfigError, JSON.stringify(change));
    }
    const short = functionScorer(3, 'probabilities', () => [0.5, 0.5]);
    await assert.rejects(beamSearch(short, good), /step 0: number of scores; expected 1 x 3; found 2/);
  });
});
