/**
 * What stands on top of a stack: pooled vector, next-sentence scores, and token logits, the latter tied to the token
 * table.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { productDims, type Value } from '../onnx/value.ts';
import { gather, gatherRows } from '../ops/indexing.ts';
import { extentOf, fixedExtent, reshape, reshapeTo, unsqueeze } from '../ops/layout.ts';
import { gemmTransposed } from '../ops/linear.ts';
import { type Activation, activate } from './activation.ts';
import { dense } from './dense.ts';

/** act(x₀ W + b) of the first position: [B, T, D] → [B, D]. */
export function pooler(g: GraphBuilder, layer: string, x: Value, activation: Activation): Value {
  const at = g.at(layer);
  const first = gather(at, x, g.constant('int64', [0]), 1); // [B, D]
  return activate(at, activation, dense(at, { layer }, first, Number(x.shape.at(-1))));
}

/** x · tableᵀ + bias for every row: [B, T, E] with table [V, E] → [B, T, V]. */
export function tiedLogits(g: GraphBuilder, x: Value, table: Value, bias?: Value): Value {
  const batch = extentOf(g.at('batch'), x, 0);
  const length = extentOf(g.at('length'), x, 1);
  const [vocabulary = 0, width = 0] = table.shape;
  const rows = reshape(g.at('rows'), x, [productDims(batch.dim, length.dim), width]);
  const logits = gemmTransposed(g, rows, table, bias); // [B·T, V]
  return reshapeTo(g, logits, [batch, length, fixedExtent(g, Number(vocabulary))]);
}

/** The rows of x [B, R, D] that `rows` [B, K] names: [B, K, D]. */
export function readRows(g: GraphBuilder, x: Value, rows: Value): Value {
  const at = g.at('logit-rows');
  return gatherRows(at, x, unsqueeze(at, rows, 2));
}
