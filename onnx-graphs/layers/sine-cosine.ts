/**
 * Sine and cosine of angles from 0 up, written out: WGSL promises sin and cos to 2^-11 only, and only up to π
 * (https://www.w3.org/TR/WGSL/#concrete-float-accuracy), and software drivers are no better than that. Here every device is
 * right to 1e-6 for angles up to 65,536.
 *
 * With k = ⌊a/π + ½⌋ and r = a - kπ, |r| ≤ π/2: sin a = ±sin r and cos a = ±cos r, minus for odd k. π is subtracted in three
 * parts, the first of which give exact products (Cody and Waite 1980, with the constants of Cephes' sinf). Then Taylor's series
 * at t = r/2, |t| ≤ π/4, and sin r = 2 sin t cos t, cos r = 1 - 2 sin² t.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, mul, sub, unary } from '../ops/elementwise.ts';

const PI_PARTS = [3.140625, 9.675025939941406e-4, 1.5099579909783765e-7];

/** 1, -1/3!, 1/5!, … */
const SINE = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880];

/** 1, -1/2!, 1/4!, … */
const COSINE = [1, -1 / 2, 1 / 24, -1 / 720, 1 / 40320];

/** Sine and cosine, element by element, of float32 angles ≥ 0 of any shape. */
export function sineAndCosine(g: GraphBuilder, angles: Value): { readonly sine: Value; readonly cosine: Value } {
  const turns = wholeHalfTurns(g.at('turns'), angles);
  const t = mul(g.at('half'), remainder(g.at('remainder'), angles, turns), scalar(g, 0.5));
  const square = mul(g.at('square'), t, t);
  const sine = mul(g.at('sine'), t, polynomial(g.at('sine'), square, SINE));
  const cosine = polynomial(g.at('cosine'), square, COSINE);
  const sign = sub(g.at('sign'), scalar(g, 1), mul(g.at('sign'), parity(g.at('parity'), turns), scalar(g, 2)));
  const doubled = mul(g.at('doubled'), sine, scalar(g, 2));
  return {
    sine: mul(g.at('sine').at('sign'), sign, mul(g.at('sine').at('double'), doubled, cosine)),
    cosine: mul(
      g.at('cosine').at('sign'),
      sign,
      sub(g.at('cosine').at('double'), scalar(g, 1), mul(g.at('cosine').at('double'), doubled, sine)),
    ),
  };
}

/** ⌊a/π + ½⌋ */
function wholeHalfTurns(g: GraphBuilder, angles: Value): Value {
  return unary(g, 'Floor', add(g, mul(g, angles, scalar(g, 1 / Math.PI)), scalar(g, 0.5)));
}

/** a - kπ */
function remainder(g: GraphBuilder, angles: Value, turns: Value): Value {
  return PI_PARTS.reduce((rest, part, i) => sub(g.at(`${i}`), rest, mul(g.at(`${i}`), turns, scalar(g, part))), angles);
}

/** k mod 2 */
function parity(g: GraphBuilder, turns: Value): Value {
  const pairs = unary(g, 'Floor', mul(g.at('half'), turns, scalar(g, 0.5)));
  return sub(g, turns, mul(g, pairs, scalar(g, 2)));
}

/** Σ cᵢ xⁱ by Horner's rule. */
function polynomial(g: GraphBuilder, x: Value, coefficients: readonly number[]): Value {
  const [highest = 0, ...lower] = coefficients.toReversed();
  return lower.reduce(
    (sum, coefficient, i) => add(g.at(`${i}`), mul(g.at(`${i}`), sum, x), scalar(g, coefficient)),
    scalar(g, highest),
  );
}

function scalar(g: GraphBuilder, value: number): Value {
  return g.constant('float32', [value]);
}
