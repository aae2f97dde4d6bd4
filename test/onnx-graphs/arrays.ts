/** Arrays of numbers in tests of graphs. */
import assert from 'node:assert/strict';
import type { Numbers } from './run-graph.ts';

/** Two arrays one after the other along an axis. */
export function joined(a: Numbers, b: Numbers, axis: number): Numbers {
  const outer = a.shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const [left, right] = [Array.from(a.data), Array.from(b.data)];
  const [widthA, widthB] = [left.length / outer, right.length / outer];
  const data = range(0, outer).flatMap(i => [
    ...left.slice(i * widthA, (i + 1) * widthA),
    ...right.slice(i * widthB, (i + 1) * widthB),
  ]);
  return { shape: a.shape.with(axis, (a.shape[axis] ?? 0) + (b.shape[axis] ?? 0)), data };
}

/** Rows of logits [B, T, V], sequence after sequence. */
export function rowsOf({ shape, data }: Numbers, rows: readonly number[]): number[] {
  const [batch = 0, length = 0, width = 0] = shape;
  const values = Array.from(data);
  return range(0, batch).flatMap(b =>
    rows.flatMap(row => values.slice((b * length + row) * width, (b * length + row + 1) * width)),
  );
}

/** Every element within `tolerance`, or that part of it where it is above 1. */
export function assertClose(found: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(found.length, expected.length);
  for (const [i, wanted] of expected.entries()) {
    const difference = Math.abs((found[i] ?? Number.NaN) - wanted);
    if (!(difference <= tolerance * Math.max(1, Math.abs(wanted)))) assert.fail(`[${i}]: ${found[i]}, not ${wanted}`);
  }
}

/** Whole numbers from `start` up to `end`, which is left out. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
}
