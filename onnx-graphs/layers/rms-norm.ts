/**
 * Root mean square normalisation: y = x / √(mean(x²) + ε), or γ times that, over the last axis (Zhang and Sennrich 2019,
 * https://arxiv.org/abs/1910.07467).
 */
import type { LayerSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, div, mul, unary } from '../ops/elementwise.ts';
import { reduceMean } from '../ops/linear.ts';
import type { Norm } from './layer-norm.ts';

/** The normalisation without weights, with one ε for all layers. */
export function rmsNormWith(epsilon: number): Norm {
  return (g, layer, x) => normalised(g.at(layer), x, epsilon);
}

/** The normalisation with a γ for each layer, and one ε for all. */
export function scaledRmsNormWith(epsilon: number): Norm {
  return (g, layer, x) => {
    const gamma = g.weight(layer, 'gamma', [Number(x.shape.at(-1))]);
    return mul(g.at(layer), normalised(g.at(layer), x, epsilon), gamma);
  };
}

/** The Keras layer of a normalisation with γ over `size` elements. */
export function rmsNormLayer(name: string, size: number): LayerSpec {
  return { name, slots: [{ slot: 'gamma', shape: [size] }] };
}

function normalised(g: GraphBuilder, x: Value, epsilon: number): Value {
  const square = reduceMean(g, mul(g.at('square'), x, x), -1);
  return div(g, x, unary(g, 'Sqrt', add(g, square, g.constant('float32', [epsilon]))));
}
