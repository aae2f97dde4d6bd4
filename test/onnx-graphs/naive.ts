/**
 * Matrices as nested arrays, in double precision and the plainest loops: what graphs are compared with.
 */

/** A matrix by rows. */
export type Rows = readonly (readonly number[])[];

/** Values in row-major order as rows of `width`. */
export function matrix(values: readonly number[], width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));
}

/** Σ aᵢ bᵢ */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
}

/** a · b */
export function product(a: Rows, b: Rows): number[][] {
  const columns = (b[0] ?? []).map((_, column) => b.map(row => row[column] ?? Number.NaN));
  return a.map(row => columns.map(column => dot(row, column)));
}

/** exp(x - max) / Σ exp(x - max) */
export function softmax(values: readonly number[]): number[] {
  const highest = Math.max(...values);
  const exponentials = values.map(value => Math.exp(value - highest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map(value => value / sum);
}
