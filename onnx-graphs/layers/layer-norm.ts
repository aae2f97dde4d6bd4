/**
 * Layer normalisation: y = γ (x - mean) / √(mean((x - mean)²) + ε) + β over the last axis (Ba, Kiros and Hinton 2016,
 * https://arxiv.org/abs/1607.06450). Keras keeps β before γ.
 */
import type { LayerSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { GraphError, type Value } from '../onnx/value.ts';
import { layerNormalization } from '../ops/linear.ts';

/** A normalisation of the last axis under the name of a Keras layer, which holds its weights if it has any. */
export type Norm = (g: GraphBuilder, layer: string, x: Value) => Value;

/** {@link layerNorm} with one ε for all layers. */
export function layerNormWith(epsilon: number): Norm {
  return (g, layer, x) => layerNorm(g, layer, x, epsilon);
}

/** The Keras layer of a normalisation over `size` elements. */
export function layerNormLayer(name: string, size: number): LayerSpec {
  return {
    name,
    slots: [
      { slot: 'beta', shape: [size] },
      { slot: 'gamma', shape: [size] },
    ],
  };
}

/** Normalises the last axis with the weights of `layer`. */
export function layerNorm(g: GraphBuilder, layer: string, x: Value, epsilon: number): Value {
  const size = x.shape.at(-1);
  if (typeof size !== 'number') throw new GraphError({ what: layer, expected: 'a last axis of fixed size' });
  const beta = g.weight(layer, 'beta', [size]);
  const gamma = g.weight(layer, 'gamma', [size]);
  return layerNormalization(g.at(layer), x, { gamma, beta }, epsilon);
}
