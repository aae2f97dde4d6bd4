/**
 * y = x W + b with W [in, out], which is how Keras stores it.
 */
import type { LayerSpec, SlotSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { GraphError, type Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { concat, slice } from '../ops/layout.ts';
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
export function dense(g: GraphBuilder, { layer, part }: DenseWeights, x: Value, outSize: number): Value {
  const prefix = part === undefined ? '' : `${part}/`;
  const kernel = g.weight(layer, `${prefix}kernel`, [inSizeOf(g, x), outSize]);
  const bias = g.weight(layer, `${prefix}bias`, [outSize]);
  return add(g, matMul(g, x, kernel), bias);
}

/** A part of a layer and the size of its result. */
export interface DensePart {
  readonly part: string;
  readonly size: number;
}

/**
 * Several dense parts of one layer, over the same x: [..., in] → [..., size] for each. They are one product, since one large
 * matrix is read faster than several small ones. ONNX Runtime lays their kernels side by side once, when it loads the graph.
 */
export function denseParts<Parts extends readonly [DensePart, ...DensePart[]]>(
  g: GraphBuilder,
  layer: string,
  x: Value,
  parts: Parts,
): { readonly [Part in keyof Parts]: Value } {
  const inSize = inSizeOf(g, x);
  const kernel = ({ part, size }: DensePart): Value => g.weight(layer, `${part}/kernel`, [inSize, size]);
  const bias = ({ part, size }: DensePart): Value => g.weight(layer, `${part}/bias`, [size]);
  const [first, ...others] = parts;
  const kernels = concat(g.at('kernel'), [kernel(first), ...others.map(kernel)], 1);
  const biases = concat(g.at('bias'), [bias(first), ...others.map(bias)], 0);
  const y = add(g, matMul(g, x, kernels), biases);
  let end = 0;
  const results = parts.map(({ part, size }) => {
    const start = end;
    end += size;
    return slice(g.at(part), y, { axis: -1, start, end, size });
  });
  return results as { readonly [Part in keyof Parts]: Value };
}

function inSizeOf(g: GraphBuilder, x: Value): number {
  const inSize = x.shape.at(-1);
  if (typeof inSize !== 'number') throw new GraphError({ what: 'dense layer', place: g.path, found: 'no fixed size' });
  return inSize;
}
