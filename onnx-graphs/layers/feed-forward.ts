/**
 * The position-wise network of a block: act(x W₀ + b₀) W + b, or with several activations, act₀(x W₀ + b₀) ·
 * act₁(x W₁ + b₁) · … before the last product (gated units, Shazeer 2020, https://arxiv.org/abs/2002.05202).
 */
import type { LayerSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { mul } from '../ops/elementwise.ts';
import { type Activation, activate } from './activation.ts';
import { dense, denseSlots } from './dense.ts';

/** Sizes and activations of a feed-forward network. */
export interface FeedForwardSizes {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** One for a plain network, more for a gated one. */
  readonly hiddenAct: readonly Activation[];
  /** Whether products have a bias. Default true. */
  readonly useBias?: boolean;
}

/** The Keras layer: the first product is `intermediate`, those of gates `gate-1`, `gate-2` …, the last `output`. */
export function feedForwardLayer(name: string, sizes: FeedForwardSizes): LayerSpec {
  const { hiddenSize, intermediateSize, useBias } = sizes;
  return {
    name,
    slots: [
      ...sizes.hiddenAct.flatMap((_, i) => denseSlots(hiddenSize, intermediateSize, { part: partName(i), useBias })),
      ...denseSlots(intermediateSize, hiddenSize, { part: 'output', useBias }),
    ],
  };
}

/** x [B, T, D] → [B, T, D]. */
export function feedForward(g: GraphBuilder, layer: string, x: Value, sizes: FeedForwardSizes): Value {
  const at = g.at(layer);
  const { useBias } = sizes;
  const gates = sizes.hiddenAct.map((activation, i) => {
    const part = partName(i);
    const h = dense(at.at(part), { layer, part, useBias }, x, sizes.intermediateSize);
    return activate(at.at(part), activation, h); // [B, T, I]
  });
  const inner = gates.reduce((product, gate, i) => mul(at.at(`gates-${i}`), product, gate));
  return dense(at.at('output'), { layer, part: 'output', useBias }, inner, sizes.hiddenSize);
}

function partName(i: number): string {
  return i === 0 ? 'intermediate' : `gate-${i}`;
}
