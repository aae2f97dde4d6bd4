/**
 * y = x W + b with W [in, out], which is how Keras stores it.
 */
import type { LayerSpec, SlotSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { GraphError, type Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { matMul } from '../ops/linear.ts';

/** Kernel and bias of a dense layer; `part` when it is inside another layer: `query` → `query/kernel`. */
export function denseSlots(inSize: number, outSize: number, part?: string): readonly SlotSpec[] {
  const prefix = part === undefined ? '' : `${part}/`;
  return [
    { slot: `${prefix}kernel`, shape: [inSize, outSize] },
    { slot: `${prefix}bias`, shape: [outSize] },
  ];
}

/** A Keras layer that is one dense layer. */
export function denseLayer(name: string, inSize: number, outSize: number): LayerSpec {
  return { name, slots: denseSlots(inSize, outSize) };
}

/** The weights of {@link dense}: a layer, or a part of one. */
export interface DenseWeights {
  readonly layer: string;
  readonly part?: string;
}

/** [..., in] → [..., outSize]. Nodes go below where `g` stands. */
export function dense(g: GraphBuilder, weights: DenseWeights, x: Value, outSize: number): Value {
  const inSize = x.shape.at(-1);
  if (typeof inSize !== 'number') throw new GraphError({ what: 'dense layer', place: g.path, found: 'no fixed size' });
  const prefix = weights.part === undefined ? '' : `${weights.part}/`;
  const kernel = g.weight(weights.layer, `${prefix}kernel`, [inSize, outSize]);
  const bias = g.weight(weights.layer, `${prefix}bias`, [outSize]);
  return add(g, matMul(g, x, kernel), bias);
}
