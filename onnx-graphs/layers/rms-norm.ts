/**
 * Root mean square normalisation without weights: y = x / √(mean(x²) + ε) over the last axis (Zhang and Sennrich 2019,
 * https://arxiv.org/abs/1910.07467).
 */
import { add, div, mul, unary } from '../ops/elementwise.ts';
import { reduceMean } from '../ops/linear.ts';
import type { Norm } from './layer-norm.ts';

/** The normalisation with one ε for all layers. */
export function rmsNormWith(epsilon: number): Norm {
  return (g, layer, x) => {
    const at = g.at(layer);
    const square = reduceMean(at, mul(at.at('square'), x, x), -1);
    return div(at, x, unary(at, 'Sqrt', add(at, square, at.constant('float32', [epsilon]))));
  };
}
