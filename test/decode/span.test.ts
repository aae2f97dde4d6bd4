/**
 * Spans and pooling of the non-autoregressive reader.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../src/core/errors.ts';
import { poolAnswers, poolScores, type ScoredAnswer } from '../../src/decode/pool.ts';
import { decodeSpan } from '../../src/decode/span.ts';

const V = 6;
const END = 5;

/** The script's table: first n - 1 ids of an n-gram → ids that follow. */
function define(block: readonly number[], passageIds: readonly number[], maxAnswerLen: number) {
  const tokenIds: number[] = [];
  const probabilities: number[] = [];
  for (let i = 0; i < maxAnswerLen; i++) {
    const allowed = passageIds.filter(
      (_, place) => place >= i && tokenIds.every((id, j) => passageIds[place - i + j] === id),
    );
    const row = Array.from({ length: V }, (_, id) =>
      allowed.includes(id) || id === END ? Math.fround(block[i * V + id] ?? 0) : 0,
    );
    const best = row.indexOf(Math.max(...row));
    tokenIds.push(best);
    probabilities.push(row[best] ?? 0);
    if (best === END) break;
  }
  return { tokenIds, probabilities, score: probabilities.reduce((a, b) => a + b) / probabilities.length };
}

describe('decodeSpan', () => {
  it('takes what the example script takes', () => {
    const blockOf = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4 * V, maxLength: 4 * V });
    const passageOf = fc.array(fc.integer({ min: 0, max: V - 2 }), { maxLength: 9 });
    const property = (integers: number[], passage: number[]) => {
      const block = integers.map(value => value / 10);
      const passageIds = [...passage, END];
      const found = decodeSpan(Float32Array.from(block), { passageIds, maxAnswerLen: 4, endId: END });
      assert.deepEqual(found, define(block, passageIds, 4));
    };
    fc.assert(fc.property(blockOf, passageOf, property), { numRuns: 500 });
  });

  it('ends where every allowed probability is 0', () => {
    const block = new Float32Array(2 * V);
    block[3] = 0.5;
    block[V + 1] = 0.9;
    const found = decodeSpan(block, { passageIds: [3, 2, END], maxAnswerLen: 2, endId: END });
    assert.deepEqual(found, { tokenIds: [3, END], probabilities: [0.5, 0], score: 0.25 });
  });

  it('refuses a block of another shape, and NaN', () => {
    const options = { passageIds: [1, END], maxAnswerLen: 2, endId: END };
    assert.throws(() => decodeSpan(new Float32Array(7), options), InputError);
    assert.throws(() => decodeSpan(new Float32Array(2 * V).fill(Number.NaN), options), /answer position 0.*NaN/);
  });
});

describe('poolAnswers', () => {
  it('ranks as recorded', () => {
    const file = path.join(import.meta.dirname, '../../examples/models/qa-mlm/goldens.jsonl');
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    assert.ok(lines.length > 20);
    for (const line of lines) {
      const { passages, ranking } = JSON.parse(line) as {
        passages: readonly ScoredAnswer[];
        ranking: readonly (readonly [string, number])[];
      };
      const pooled = poolAnswers(passages);
      assert.deepEqual(
        pooled.map(({ answer }) => answer),
        ranking.map(([answer]) => answer),
      );
      pooled.forEach(({ score }, place) => {
        assert.ok(Math.abs(score - (ranking[place]?.[1] ?? 0)) < 1e-12);
      });
    }
  });

  it('prefers one sure passage to two doubtful ones, and keeps the order of equals', () => {
    assert.ok(poolScores([0.9]) > poolScores([0.4, 0.4]));
    assert.equal(poolScores([]), 0);
    const pooled = poolAnswers([
      { answer: 'b', score: 0.5 },
      { answer: '', score: 0.99 },
      { answer: 'a', score: 0.5 },
    ]);
    assert.deepEqual(
      pooled.map(({ answer }) => answer),
      ['b', 'a'],
    );
  });
});
