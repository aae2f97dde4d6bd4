/**
 * exp for arguments that are never positive, as softmax needs it: about twice as fast as `Math.exp`, since
 * x = -n·ln2/64 + r leaves a table entry 2^(-n/64) times a short polynomial in |r| <= ln2/128.
 */

const STEPS_PER_OCTAVE = 64;
const STEP = Math.LN2 / STEPS_PER_OCTAVE;
const STEPS_PER_UNIT = STEPS_PER_OCTAVE / Math.LN2;

/** Below this, exp is under half of the smallest float32 and counts as 0. */
const LOWEST = -104;

const POWERS = Float64Array.from(
  { length: Math.ceil(-LOWEST * STEPS_PER_UNIT) + 2 },
  (_, n) => 2 ** (-n / STEPS_PER_OCTAVE),
);

/**
 * e^x for x <= 0, with a relative error under 1e-13; 0 for x < -104 (and -Infinity), NaN for NaN.
 * Method: table lookup and Taylor polynomial, after P. T. P. Tang, "Table-driven implementation of the exponential
 * function" (1989).
 */
export function exponential(x: number): number {
  if (x < LOWEST) return 0;
  const n = (0.5 - x * STEPS_PER_UNIT) | 0;
  const r = x + n * STEP;
  const power = POWERS[n] as number;
  return power * (1 + r * (1 + r * (0.5 + r * (1 / 6 + r * (1 / 24)))));
}
