/**
 * The generation graph: R new rows attend to P cached slots and to each other, as `visible` allows. The cache is a
 * read-only input and only the new rows' keys and values come out, so nothing is copied from step to step; the caller
 * appends them to its cache. With P = 0 this is the whole forward pass. ONNX Runtime 1.30 can't multiply matrices with an
 * inner size of 0 on WebGPU; there, one slot of zeros that nothing sees is the same as none.
 *
 *   s = [q·pastKᵀ, q·newKᵀ];  p = softmax(s + bias);  context = p[:P]·pastV + p[P:]·newV
 *
 * Of the last layer only keys and values are needed for all new rows; its queries, its projections and what follows are
 * computed for the rows whose logits are wanted. Over a long prompt that is most of a layer less.
 *
 * B batch, R new rows, P past slots, K rows whose logits are wanted, Q queries (R, in the last layer K), N heads, H head
 * size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { concat, expandTo, extentOf, slice, transpose, unsqueeze } from '../ops/layout.ts';
import { matMul } from '../ops/linear.ts';
import { type Attended, type Attention, type AttentionSizes, attentionWeights, type Heads } from './attention.ts';
import { readRows } from './heads.ts';
import { hiddenBias } from './masks.ts';
import { type ReadSizes, readAttention } from './read-attention.ts';
import type { RelativeTerms } from './relative-position.ts';

/** Inputs of a step that every model takes. */
export interface StepInputs {
  /** int64 [B, R] */
  readonly tokens: Value;
  readonly segments?: Value;
  readonly positions: Value;
  /** Which slots and rows a row sees: bool [B or 1, R, P+R]. */
  readonly visible: Value;
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
    visible: g.input('visible', 'bool', ['B or 1', 'R', 'P+R']),
    logitRows: g.input('logit_rows', 'int64', ['B', 'K']),
  };
}

/** Sizes of a stack over a cache. */
export interface CachedSizes extends AttentionSizes, ReadSizes {}

/** Terms of relative positions for queries [B, Q] over a cache and new rows [B, R]; positions are int64. */
export type SlotRelative = (
  g: GraphBuilder,
  positions: { readonly queries: Value; readonly rows: Value },
) => RelativeTerms;

/**
 * Attention over the cache and the new rows. Declares each layer's `past_*` inputs and `new_*` outputs on the way. `rows`
 * are those whose logits are wanted from the last layer on; after it where layers hand the scores of all rows on.
 */
export function cachedAttention(
  root: GraphBuilder,
  sizes: CachedSizes,
  inputs: StepInputs,
  relative?: SlotRelative,
): Attention {
  const attendAs = (queries: Queries): Attention['attend'] => {
    return (g, layer, heads, residual) => {
      const past = (name: string, size: number): Value =>
        root.input(`past_${name}.${layer}`, 'float32', ['B', sizes.heads, 'P', size]);
      const cache = { key: past('key', sizes.keySize), value: past('value', sizes.headSize) };
      root.output(`new_key.${layer}`, heads.key);
      root.output(`new_value.${layer}`, heads.value);
      return attendOver(g, { ...heads, cache, residual }, queries);
    };
  };
  const attendAll = attendAs(allQueries(root, inputs, relative));
  const attendRead = () => attendAs(readQueries(root.at('read'), inputs, relative));
  return readAttention(sizes, inputs.logitRows, { attend: attendAll }, () => ({ attend: attendRead() }));
}

/** What the queries of a layer see. */
export interface Queries {
  /** 0 or the lowest float32, [B or 1, 1, Q, P+R], or what is added to scores in its place, [B, N, Q, P+R]. */
  readonly bias: Value;
  readonly relative?: RelativeTerms | undefined;
}

function allQueries(g: GraphBuilder, inputs: StepInputs, relative: SlotRelative | undefined): Queries {
  const bias = unsqueeze(g.at('Attention-Mask'), hiddenBias(g.at('Attention-Mask'), inputs.visible), 1);
  return { bias, relative: relative?.(g, { queries: inputs.positions, rows: inputs.positions }) };
}

function readQueries(g: GraphBuilder, inputs: StepInputs, relative: SlotRelative | undefined): Queries {
  const read = (name: string, x: Value): Value => readRows(g.at(name), x, inputs.logitRows);
  const at = g.at('Attention-Mask');
  const seen = expandTo(at, hiddenBias(at, inputs.visible), [
    extentOf(at.at('batch'), inputs.tokens, 0),
    extentOf(at.at('rows'), inputs.tokens, 1),
    extentOf(at.at('slots'), inputs.visible, 2),
  ]); // [B, R, P+R]
  return {
    bias: unsqueeze(at, read('Attention-Mask', seen), 1), // [B, 1, K, P+R]
    relative: relative?.(g, { queries: read('positions', inputs.positions), rows: inputs.positions }),
  };
}

/** Heads of new rows over a cache. */
export interface CachedHeads extends Heads {
  /** [B, N, P, H] */
  readonly cache: { readonly key: Value; readonly value: Value };
  readonly residual?: Value | undefined;
}

/** Attention of queries [B, N, Q, H] to the slots of a cache and to new keys and values [B, N, R, H]. */
export function attendOver(g: GraphBuilder, layer: CachedHeads, { bias, relative }: Queries): Attended {
  const { query, key, value, cache } = layer;
  const products = concat(g, [pastScores(g.at('past'), query, cache.key), newScores(g.at('new'), query, key)], 3);
  const scores = relative?.onScores(g, products, query) ?? products; // [B, N, Q, P+R]
  const weights = attentionWeights(g, scores, bias, layer.residual);
  const slots = extentOf(g.at('past'), cache.key, 2);
  const onPast = slice(g.at('past'), weights, { axis: 3, start: 0, end: slots.size, size: slots.dim });
  const onNew = slice(g.at('new'), weights, { axis: 3, start: slots.size, size: key.shape[2] ?? 1 });
  const context = add(
    g.at('context'),
    matMul(g.at('past').at('context'), onPast, cache.value),
    matMul(g.at('new').at('context'), onNew, value),
  ); // [B, N, Q, H]
  return { context: relative?.onContext(g, context, weights) ?? context, scores };
}

function newScores(g: GraphBuilder, query: Value, key: Value): Value {
  return matMul(g, query, transpose(g, key, [0, 1, 3, 2]));
}

/**
 * q · pastKᵀ, computed as (pastK · qᵀ)ᵀ: the few new rows are turned over instead of the long cache. For one row that is
 * three times as fast on CPU, and devices that don't fuse transposes copy no keys.
 */
function pastScores(g: GraphBuilder, query: Value, key: Value): Value {
  const products = matMul(g.at('products'), key, transpose(g.at('query'), query, [0, 1, 3, 2])); // [B, N, P, Q]
  return transpose(g, products, [0, 1, 3, 2]);
}
