/**
 * exp for arguments that are never positive, as softmax needs it: x = -n·ln2/256 + r leaves a table entry 2^(-n/256) times
 * a short polynomial in r. After P. T. P. Tang, "Table-driven implementation of the exponential function" (1989).
 *
 * The sum over a row is what a decoding step spends most of its TypeScript time on (test/bench/decode-search.ts), so it
 * counts in steps of the table: u = (top - x) · 256/ln2 = n + r with 0 <= r < 1, which needs no rounding to the nearest n.
 * With h = ln2/256 and t = r - 1/2, e^(-hr) = e^(-h/2) · (1 - ht + (ht)²/2 - (ht)³/6 …). On |t| <= 1/2 the cubic term is
 * best replaced by a linear one, t³ ≈ 3t/16 (Chebyshev), and then errs by h³/192 < 1.1e-10. The quadratic is scaled to be 1
 * at r = 0, so that the largest entry counts exactly.
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

/** e^(-STEP · r) is near 1 + r · (SLOPE + r · BEND) for 0 <= r < 1; see the head of the file. */
const [SLOPE, BEND] = quadratic(STEP);

/** Table steps beyond which exp counts as 0. */
const STEPS = -LOWEST * STEPS_PER_UNIT;

/** Entries that are summed by one call: V8 compiles a function well after some calls, within the first row this way. */
const PIECE = 1024;

/**
 * Sum of e^((x - top) · scale) over a row whose largest entry is `top`, with a relative error under 1e-9; NaN when the row
 * holds NaN or +Infinity or nothing but -Infinity. `scale` > 0.
 */
export function sumOfExponentials(row: ScoreArray, top: number, scale: number): number {
  const even = row.length - (row.length % 2);
  let sum = 0;
  for (let from = 0; from < even; from += PIECE) {
    sum += sumPiece(row, { from, end: Math.min(from + PIECE, even), top, perUnit: scale * STEPS_PER_UNIT });
  }
  return even === row.length ? sum : sum + exponential(((row[even] as number) - top) * scale);
}

interface Piece {
  readonly from: number;
  /** An even number of entries after `from`. */
  readonly end: number;
  readonly top: number;
  /** Table steps for a difference of 1. */
  readonly perUnit: number;
}

/** Two sums run side by side, which keeps the processor busy. */
function sumPiece(row: ScoreArray, { from, end, top, perUnit }: Piece): number {
  let even = 0;
  let odd = 0;
  for (let i = from; i < end; i += 2) {
    const u = (top - (row[i] as number)) * perUnit;
    const v = (top - (row[i + 1] as number)) * perUnit;
    if (!(u > STEPS)) {
      const n = u | 0;
      const r = u - n;
      even += (POWERS[n] as number) * (1 + r * (SLOPE + r * BEND));
    }
    if (!(v > STEPS)) {
      const n = v | 0;
      const r = v - n;
      odd += (POWERS[n] as number) * (1 + r * (SLOPE + r * BEND));
    }
  }
  return even + odd;
}

/** Coefficients of r and r² of the quadratic near e^(-h r), 0 <= r < 1. */
function quadratic(h: number): readonly [number, number] {
  const linear = -(h + h ** 3 / 32);
  const square = h ** 2 / 2;
  const start = 1 - linear / 2 + square / 4;
  return [(linear - square) / start, square / start];
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
