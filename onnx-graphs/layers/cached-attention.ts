/**
 * The generation graph: R new rows attend to P cached slots and to each other, as `visible` allows. The cache is a
 * read-only input and only the new rows' keys and values come out, so nothing is copied from step to step; the caller
 * appends them to its cache. With P = 0 this is the whole forward pass. ONNX Runtime 1.30 can't multiply matrices with an
 * inner size of 0 on WebGPU; there, one slot of zeros that nothing sees is the same as none.
 *
 *   s = [q·pastKᵀ, q·newKᵀ];  p = softmax(s + bias);  context = p[:P]·pastV + p[P:]·newV
 *
 * B batch, R new rows, P past slots, K rows whose logits are wanted, N heads, H head size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { concat, extentOf, slice, transpose } from '../ops/layout.ts';
import { matMul } from '../ops/linear.ts';
import { type Attend, type AttentionSizes, attentionWeights } from './attention.ts';
import { hiddenBias } from './masks.ts';
import type { RelativeTerms } from './relative-position.ts';

/** Inputs of a step that every model takes. */
export interface StepInputs {
  /** int64 [B, R] */
  readonly tokens: Value;
  readonly segments?: Value;
  readonly positions: Value;
  /** 0 or the lowest float32, [B or 1, 1, R, P+R]. */
  readonly bias: Value;
  /** int64 [B, K] */
  readonly logitRows: Value;
}

/** Declares the inputs of a step besides the cache. */
export function stepInputs(g: GraphBuilder, options: { readonly segmentVocabSize: number }): StepInputs {
  const shape = ['B', 'R'];
  return {
    tokens: g.input('input_ids', 'int64', shape),
    ...(options.segmentVocabSize > 0 && { segments: g.input('token_type_ids', 'int64', shape) }),
    positions: g.input('position_ids', 'int64', shape),
    bias: hiddenBias(g.at('Attention-Mask'), g.input('visible', 'bool', ['B or 1', 'R', 'P+R'])),
    logitRows: g.input('logit_rows', 'int64', ['B', 'K']),
  };
}

/** Attention over the cache and the new rows. Declares each layer's `past_*` inputs and `new_*` outputs on the way. */
export function cachedAttention(
  root: GraphBuilder,
  sizes: AttentionSizes,
  bias: Value,
  relative?: RelativeTerms,
): Attend {
  return (g, layer, { query, key, value }, residual) => {
    const past = (name: string, size: number): Value =>
      root.input(`past_${name}.${layer}`, 'float32', ['B', sizes.heads, 'P', size]);
    const pastKey = past('key', sizes.keySize);
    const pastValue = past('value', sizes.headSize);
    root.output(`new_key.${layer}`, key);
    root.output(`new_value.${layer}`, value);

    const products = concat(g, [pastScores(g.at('past'), query, pastKey), newScores(g.at('new'), query, key)], 3);
    const raised = relative?.onScores(g, products, query) ?? products; // [B, N, R, P+R]
    const weights = attentionWeights(g, raised, bias, residual);
    const slots = extentOf(g.at('past'), pastKey, 2);
    const onPast = slice(g.at('past'), weights, { axis: 3, start: 0, end: slots.size, size: slots.dim });
    const onNew = slice(g.at('new'), weights, { axis: 3, start: slots.size, size: 'R' });
    const context = add(
      g.at('context'),
      matMul(g.at('past').at('context'), onPast, pastValue),
      matMul(g.at('new').at('context'), onNew, value),
    ); // [B, N, R, H]
    return { context: relative?.onContext(g, context, weights) ?? context, scores: raised };
  };
}

function newScores(g: GraphBuilder, query: Value, key: Value): Value {
  return matMul(g, query, transpose(g, key, [0, 1, 3, 2]));
}

/**
 * q · pastKᵀ, computed as (pastK · qᵀ)ᵀ: the few new rows are turned over instead of the long cache. For one row that is
 * three times as fast on CPU, and devices that don't fuse transposes copy no keys.
 */
function pastScores(g: GraphBuilder, query: Value, key: Value): Value {
  const products = matMul(g.at('products'), key, transpose(g.at('query'), query, [0, 1, 3, 2])); // [B, N, P, R]
  return transpose(g, products, [0, 1, 3, 2]);
}
