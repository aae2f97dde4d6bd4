/** What a step says of its likeliest tokens, beside its logits. */
import assert from 'node:assert/strict';
import { assertClose, range } from './arrays.ts';
import type { Numbers } from './run-graph.ts';

/** The feed that asks for `count` tokens of each row. */
export function topK(count: number): Readonly<Record<string, Numbers>> {
  return { top_k: { shape: [1], data: [count] } };
}

/** Compares `top_tokens` with what the logits of the same run say, row by row. */
export function assertTopTokens({ logits, top_tokens: found }: Readonly<Record<string, Numbers>>, count: number): void {
  assert.ok(logits !== undefined && found !== undefined);
  const width = 2 * count + 1;
  const words = logits.shape.at(-1) ?? 0;
  assert.deepEqual(found.shape, logits.shape.with(-1, width));
  const [all, rows] = [Array.from(logits.data), Array.from(found.data)];
  for (const row of range(0, all.length / words)) {
    const scores = all.slice(row * words, (row + 1) * words);
    const ids = range(0, words).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    const [largest = 0] = ids.map(id => scores[id] ?? 0);
    const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0);
    const top = rows.slice(row * width, (row + 1) * width);
    const expected = ids.slice(0, count);
    assert.deepEqual(top.slice(0, -1), [...expected.map(id => scores[id] ?? 0), ...expected]);
    assertClose(top.slice(-1), [1 / sum], 1e-6);
  }
}
