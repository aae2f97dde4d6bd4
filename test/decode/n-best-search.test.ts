/**
 * Beam search with length penalty: against all sequences there are, and against a transcription of BeamSearchScorer.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError } from '../../src/core/errors.ts';
import { type NBestOptions, nBestSearch } from '../../src/decode/n-best-search.ts';
import { createProcessors } from '../../src/decode/processors/index.ts';
import { functionScorer } from './table-scorer.ts';

const V = 5;
const END = 4;
/** Random logits by last token, with a small irregular part that keeps sums of them apart. */
const tableOf = fc
  .array(fc.array(fc.integer({ min: -400, max: 400 }), { minLength: V, maxLength: V }), {
    minLength: V + 1,
    maxLength: V + 1,
  })
  .map(rows => rows.map((row, last) => row.map((value, id) => value / 97 + Math.sin(last * 31 + id * 7 + value) / 9)));

type Table = readonly (readonly number[])[];

function scorerOf(table: Table) {
  return functionScorer(V, 'logits', ids => table[ids.at(-1) ?? V] ?? []);
}

function logRow(table: Table, ids: readonly number[]): number[] {
  const row = (table[ids.at(-1) ?? V] ?? []).map(Math.fround);
  const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return row.map(logit => logit - total);
}

interface Sequence {
  readonly ids: readonly number[];
  readonly sum: number;
}

/** Every sequence that ends, and every one cut off at `maxLen`. */
function allSequences(table: Table, maxLen: number, from: Sequence = { ids: [], sum: 0 }): Sequence[] {
  if (from.ids.at(-1) === END || from.ids.length === maxLen) return [from];
  return logRow(table, from.ids).flatMap((log, id) =>
    allSequences(table, maxLen, { ids: [...from.ids, id], sum: from.sum + log }),
  );
}

interface Case {
  readonly size: number;
  readonly groups: number;
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean | 'never';
  readonly diversityPenalty: number;
  readonly maxLen: number;
}

/** BeamSearchScorer.process and finalize, BeamHypotheses.add and is_done, HammingDiversityLogitsProcessor. */
function transcribe(table: Table, { size, groups, lengthPenalty, earlyStopping, diversityPenalty, maxLen }: Case) {
  const state = Array.from({ length: groups }, () => ({
    beams: [{ ids: [] as readonly number[], sum: 0 }],
    hyps: [] as (Sequence & { score: number })[],
    done: false,
  }));
  const add = (hyps: (Sequence & { score: number })[], { ids, sum }: Sequence) => {
    const score = sum / ids.length ** lengthPenalty;
    const worst = Math.min(...hyps.map(hyp => hyp.score));
    if (hyps.length < size || score > worst) hyps.push({ ids, sum, score });
    if (hyps.length > size)
      hyps.splice(
        hyps.findIndex(hyp => hyp.score === worst),
        1,
      );
  };
  for (let length = 1; length <= maxLen && state.some(group => !group.done); length++) {
    const current: number[] = [];
    for (const group of state.filter(({ done }) => !done)) {
      const scored = group.beams.flatMap(({ ids, sum }) =>
        logRow(table, ids).map((log, id) => {
          const frequency = current.filter(other => other === id).length;
          return { ids: [...ids, id], sum: sum + log - diversityPenalty * frequency };
        }),
      );
      const top = scored.sort((a, b) => b.sum - a.sum).slice(0, 2 * size);
      const next: Sequence[] = [];
      for (const [rank, candidate] of top.entries()) {
        if (candidate.ids.at(-1) !== END) next.push(candidate);
        else if (rank < size) add(group.hyps, candidate);
        if (next.length === size) break;
      }
      group.beams = next.map(({ ids, sum }) => ({ ids, sum }));
      current.push(...next.map(({ ids }) => ids.at(-1) ?? -1));
      if (group.hyps.length >= size) {
        const worst = Math.min(...group.hyps.map(hyp => hyp.score));
        const at = earlyStopping === 'never' && lengthPenalty > 0 ? maxLen : length;
        group.done = earlyStopping === true || worst >= (top[0]?.sum ?? 0) / at ** lengthPenalty;
      }
      if (next.length === 0) group.done = true;
    }
  }
  for (const { hyps, beams, done } of state) if (!done) for (const beam of beams) add(hyps, beam);
  return state.flatMap(({ hyps }) => hyps).sort((a, b) => b.score - a.score);
}

describe('nBestSearch', () => {
  it('wide enough, finds the n best of all sequences', async () => {
    const property = async (table: Table, lengthPenalty: number, maxLen: number) => {
      const options = { width: 400, n: 5, lengthPenalty, endId: END, maxLen };
      const found = await nBestSearch(scorerOf(table), options);
      const score = ({ ids, sum }: Sequence) => sum / ids.length ** lengthPenalty;
      const all = allSequences(table, maxLen).sort((a, b) => score(b) - score(a));
      assert.equal(found.length, 5);
      found.forEach((sequence, place) => {
        assert.ok(Math.abs(sequence.score - score(all[place] ?? { ids: [0], sum: 0 })) < 1e-5);
        assert.equal(sequence.finished, sequence.tokenIds.at(-1) === END);
      });
    };
    const penalty = fc.constantFrom(-0.5, 0, 0.6, 1, 2);
    await fc.assert(fc.asyncProperty(tableOf, penalty, fc.integer({ min: 2, max: 4 }), property), { numRuns: 100 });
  });

  it('gives what BeamSearchScorer gives, with groups and every way of stopping', async () => {
    const caseOf = fc.record({
      size: fc.integer({ min: 1, max: 4 }),
      groups: fc.integer({ min: 1, max: 3 }),
      lengthPenalty: fc.constantFrom(-1, 0, 0.7, 1, 1.5),
      earlyStopping: fc.constantFrom(true, false, 'never' as const),
      diversityPenalty: fc.constantFrom(0, 0.4, 1.3),
      maxLen: fc.integer({ min: 1, max: 7 }),
    });
    const property = async (table: Table, drawn: Case) => {
      const one = { ...drawn, diversityPenalty: drawn.groups > 1 ? drawn.diversityPenalty : 0 };
      const { size, ...options } = one;
      const width = size * one.groups;
      const found = await nBestSearch(scorerOf(table), { ...options, width, n: width, endId: END });
      const expected = transcribe(table, one);
      assert.equal(found.length, expected.length);
      found.forEach((sequence, place) => {
        assert.ok(Math.abs(sequence.score - (expected[place]?.score ?? 0)) < 1e-5, `place ${place}`);
      });
      const distinct = new Set(expected.map(({ score }) => Math.round(score * 1e4)));
      if (distinct.size === expected.length) {
        const ids = expected.map(hyp => hyp.ids);
        assert.deepEqual(
          found.map(sequence => sequence.tokenIds),
          ids,
        );
      }
    };
    // A fixed seed: float32 scores may order two beams that double arithmetic finds equal to seven digits otherwise.
    await fc.assert(fc.asyncProperty(tableOf, caseOf, property), { numRuns: 500, seed: 1 });
  });

  it('runs processors on log probabilities', async () => {
    const table = Array.from({ length: V + 1 }, () => [2, 1, 0, 0, -1]);
    const processors = createProcessors({ noRepeatNgram: 1, minNewTokens: 3 });
    const options = { width: 2, endId: END, maxLen: 5, processors };
    const [best] = await nBestSearch(scorerOf(table), options);
    assert.equal(new Set(best?.tokenIds).size, best?.tokenIds.length);
    assert.ok((best?.tokenIds.length ?? 0) >= 4);
  });

  it('streams the tokens of the best sequence once, in order', async () => {
    const property = async (table: Table, width: number) => {
      const streamed: number[] = [];
      const options = {
        width,
        endId: END,
        maxLen: 6,
        onStep: (event: { tokenIds: readonly number[] }) => streamed.push(...event.tokenIds),
      };
      const [best] = await nBestSearch(scorerOf(table), options);
      assert.deepEqual(streamed, best?.tokenIds);
    };
    await fc.assert(fc.asyncProperty(tableOf, fc.integer({ min: 1, max: 4 }), property));
  });

  it('refuses options that contradict each other', async () => {
    const wrong: Partial<NBestOptions>[] = [
      { width: 2, n: 3 },
      { width: 4, groups: 3 },
      { diversityPenalty: 1 },
      { groups: 2, diversityPenalty: -1 },
      { lengthPenalty: Number.NaN },
      { width: 0 },
    ];
    const table = Array.from({ length: V + 1 }, () => [0, 0, 0, 0, 0]);
    for (const change of wrong) {
      const search = nBestSearch(scorerOf(table), { endId: END, maxLen: 2, ...change });
      await assert.rejects(search, ConfigError, JSON.stringify(change));
    }
  });
});
