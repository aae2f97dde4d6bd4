/**
 * y = x W + b, or x W, with W [in, out], which is how Keras stores it.
 */
import type { LayerSpec, SlotSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { GraphError, type Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { concat, slice } from '../ops/layout.ts';
import { matMul } from '../ops/linear.ts';

/** Which weights a dense layer has. */
export interface DenseForm {
  /** When it is inside another layer: `query` → `query/kernel`. */
  readonly part?: string;
  /** Default true; else y = x W. */
  readonly useBias?: boolean | undefined;
}

/** Kernel and bias of a dense layer. */
export function denseSlots(inSize: number, outSize: number, form: DenseForm = {}): readonly SlotSpec[] {
  const { part, useBias = true } = form;
  const prefix = part === undefined ? '' : `${part}/`;
  const kernel = { slot: `${prefix}kernel`, shape: [inSize, outSize] };
  return useBias ? [kernel, { slot: `${prefix}bias`, shape: [outSize] }] : [kernel];
}

/** A Keras layer that is one dense layer. */
export function denseLayer(
  name: string,
  [inSize, outSize]: readonly [number, number],
  form: DenseForm = {},
): LayerSpec {
  return { name, slots: denseSlots(inSize, outSize, form) };
}

/** The weights of {@link dense}: a layer, or a part of one. */
export interface DenseWeights extends DenseForm {
  readonly layer: string;
}

/** [..., in] → [..., outSize]. Nodes go below where `g` stands. */
export function dense(g: GraphBuilder, weights: DenseWeights, x: Value, outSize: number): Value {
  const { layer, part, useBias = true } = weights;
  const prefix = part === undefined ? '' : `${part}/`;
  const product = matMul(g, x, g.weight(layer, `${prefix}kernel`, [inSizeOf(g, x), outSize]));
  return useBias ? add(g, product, g.weight(layer, `${prefix}bias`, [outSize])) : product;
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
  { layer, useBias = true }: Omit<DenseWeights, 'part'>,
  x: Value,
  parts: Parts,
): { readonly [Part in keyof Parts]: Value } {
  const inSize = inSizeOf(g, x);
  const kernel = ({ part, size }: DensePart): Value => g.weight(layer, `${part}/kernel`, [inSize, size]);
  const bias = ({ part, size }: DensePart): Value => g.weight(layer, `${part}/bias`, [size]);
  const [first, ...others] = parts;
  const kernels = concat(g.at('kernel'), [kernel(first), ...others.map(kernel)], 1);
  const products = matMul(g, x, kernels);
  const y = useBias ? add(g, products, concat(g.at('bias'), [bias(first), ...others.map(bias)], 0)) : products;
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
