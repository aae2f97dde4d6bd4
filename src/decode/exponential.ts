/**
 * exp for arguments that are never positive, as softmax needs it: x = -n·ln2/256 + r leaves a table entry 2^(-n/256) times
 * a short polynomial in |r| <= ln2/512. After P. T. P. Tang, "Table-driven implementation of the exponential function"
 * (1989). The loop over a row is what a decoding step spends most of its TypeScript time on; test/bench/decode-search.ts
 * measures it.
 */
import type { ScoreArray } from './scorer.ts';

const STEPS_PER_OCTAVE = 256;
const STEP = Math.LN2 / STEPS_PER_OCTAVE;
const STEPS_PER_UNIT = STEPS_PER_OCTAVE / Math.LN2;

/** Below this, exp is under half of the smallest float32 and counts as 0. */
const LOWEST = -104;

const POWERS = Float64Array.from(
  { length: Math.ceil(-LOWEST * STEPS_PER_UNIT) + 2 },
  (_, n) => 2 ** (-n / STEPS_PER_OCTAVE),
);

/** e^x for x <= 0, with a relative error under 1e-12; 0 for x < -104 (and -Infinity), NaN for NaN and for x > 0. */
export function exponential(x: number): number {
  if (x < LOWEST) return 0;
  const n = (0.5 - x * STEPS_PER_UNIT) | 0;
  const r = x + n * STEP;
  return (POWERS[n] as number) * (1 + r * (1 + r * (0.5 + r * (1 / 6))));
}

/**
 * Sum of e^((x - top) · scale) over a row whose largest entry is `top`, with a relative error under 1e-9; NaN when the row
 * holds NaN or +Infinity or nothing but -Infinity. `scale` > 0. Two sums run side by side, which keeps the processor busy,
 * and the exponential is written out with one term less.
 */
export function sumOfExponentials(row: ScoreArray, top: number, scale: number): number {
  let even = 0;
  let odd = 0;
  for (let i = 0; i + 1 < row.length; i += 2) {
    const x = ((row[i] as number) - top) * scale;
    const y = ((row[i + 1] as number) - top) * scale;
    const n = (0.5 - x * STEPS_PER_UNIT) | 0;
    const m = (0.5 - y * STEPS_PER_UNIT) | 0;
    const r = x + n * STEP;
    const s = y + m * STEP;
    if (!(x < LOWEST)) even += (POWERS[n] as number) * (1 + r * (1 + r * 0.5));
    if (!(y < LOWEST)) odd += (POWERS[m] as number) * (1 + s * (1 + s * 0.5));
  }
  if (row.length % 2 === 1) odd += exponential(((row[row.length - 1] as number) - top) * scale);
  return even + odd;
}

/**
 * Replaces a row of logits, the largest of which is `top`, by its softmax, rounded as the array rounds.
 * @returns the sum before normalisation; not finite or 0 under the conditions of {@link sumOfExponentials}.
 */
export function softmaxInPlace(row: ScoreArray, top: number): number {
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    const weight = exponential((row[i] as number) - top);
    row[i] = weight;
    sum += weight;
  }
  for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) / sum;
  return sum;
}
