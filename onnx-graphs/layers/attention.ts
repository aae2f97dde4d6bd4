/**
 * Multi-head self-attention (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762): softmax(q kᵀ / √d + bias) v.
 *
 * Projections and the combination of heads are the same everywhere; what happens between them is an {@link Attention}:
 * over the sequence itself here, over a cache in cached-attention.ts; either may add relative positions
 * (relative-position.ts).
 *
 * B batch, T length, Q queries (T, or fewer in the last layer of a generation graph), N heads, H head size, D hidden size.
 */
import type { LayerSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, mul } from '../ops/elementwise.ts';
import { reshape, transpose } from '../ops/layout.ts';
import { matMul, softmax } from '../ops/linear.ts';
import { type DensePart, dense, denseParts, denseSlots } from './dense.ts';
import type { RelativeTerms } from './relative-position.ts';

/** Sizes of an attention layer. */
export interface AttentionSizes {
  readonly hiddenSize: number;
  readonly heads: number;
  /** Size of one head's values. */
  readonly headSize: number;
  /** Size of one head's queries and keys. */
  readonly keySize: number;
  /** Whether projections have a bias. Default true. */
  readonly useBias?: boolean;
  /** Whether scores are divided by √d. Default true. */
  readonly scaled?: boolean;
}

/** Queries of all heads (in attention scaled by 1/√d, if at all), [B, N, Q, H], keys and values, [B, N, T, H]. */
export interface Heads {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
}

/** What attention gives: context [B, N, Q, H], and its scores [B, N, Q, S] before a residual and the mask. */
export interface Attended {
  readonly context: Value;
  readonly scores: Value;
}

/** Who attends in a stack, and to what. */
export interface Attention {
  /** The rows of x [B, T, D] that layer `layer` computes, [B, Q, D]; keys and values are those of all. */
  rows(g: GraphBuilder, layer: number, x: Value): Value;
  /** Attention between projected heads. `residual` are scores of the layer below, to be added to this one's. */
  attend(g: GraphBuilder, layer: number, heads: Heads, residual: Value | undefined): Attended;
}

/** The Keras layer: query, key, value and output projections. */
export function attentionLayer(name: string, sizes: AttentionSizes): LayerSpec {
  const { hiddenSize, heads, headSize, keySize, useBias } = sizes;
  return {
    name,
    slots: [
      ...denseSlots(hiddenSize, heads * keySize, { part: 'query', useBias }),
      ...denseSlots(hiddenSize, heads * keySize, { part: 'key', useBias }),
      ...denseSlots(hiddenSize, heads * headSize, { part: 'value', useBias }),
      ...denseSlots(heads * headSize, hiddenSize, { part: 'output', useBias }),
    ],
  };
}

/** An attention layer in a stack: its Keras name and its number. */
export interface AttentionPlace {
  readonly layer: string;
  readonly index: number;
  /** Scores of the layer below, where they are added to this one's. */
  readonly residual?: Value | undefined;
}

/** x [B, T, D] → [B, Q, D], with the scores for a residual in the next layer. */
export function selfAttention(
  g: GraphBuilder,
  place: AttentionPlace,
  x: Value,
  { sizes, attention }: { readonly sizes: AttentionSizes; readonly attention: Attention },
): { readonly output: Value; readonly scores: Value } {
  const { layer, index } = place;
  const at = g.at(layer);
  const projected = projections(at, layer, { x, rows: attention.rows(at, index, x) }, sizes);
  const query = splitHeads(at.at('query'), projected.query, sizes.heads, sizes.keySize); // [B, N, Q, H]
  const scale = 1 / Math.sqrt(sizes.keySize);
  const heads: Heads = {
    query: sizes.scaled === false ? query : mul(at.at('scale'), query, g.constant('float32', [scale])),
    key: splitHeads(at.at('key'), projected.key, sizes.heads, sizes.keySize),
    value: splitHeads(at.at('value'), projected.value, sizes.heads, sizes.headSize),
  };
  const { context, scores } = attention.attend(at, index, heads, place.residual);
  return { output: outputProjection(at, layer, context, sizes), scores };
}

/** The context of all heads [B, N, Q, H] → [B, Q, D]. */
export function outputProjection(g: GraphBuilder, layer: string, context: Value, sizes: AttentionSizes): Value {
  const weights = { layer, part: 'output', useBias: sizes.useBias };
  return dense(g.at('output'), weights, mergeHeads(g, context), sizes.hiddenSize);
}

/** Queries of `rows` [B, Q, D], keys and values of x [B, T, D], all heads side by side: [B, Q or T, N·H]. */
function projections(
  g: GraphBuilder,
  layer: string,
  { x, rows }: { readonly x: Value; readonly rows: Value },
  { heads, keySize, headSize, useBias }: AttentionSizes,
): Heads {
  const part = (name: string, size: number): DensePart => ({ part: name, size: heads * size });
  const [ofQuery, ofKey, ofValue] = [part('query', keySize), part('key', keySize), part('value', headSize)];
  const at = g.at('projection');
  if (rows === x) {
    const [query, key, value] = denseParts(at, { layer, useBias }, x, [ofQuery, ofKey, ofValue]);
    return { query, key, value };
  }
  const [key, value] = denseParts(at, { layer, useBias }, x, [ofKey, ofValue]);
  return { query: dense(at.at('query'), { layer, part: 'query', useBias }, rows, ofQuery.size), key, value };
}

/** Attention within the sequence, under `bias` [B, 1, 1 or T, T]. */
export function fullAttention(bias: Value, relative?: RelativeTerms): Attention {
  return {
    rows: (_g, _layer, x) => x,
    attend(g, _layer, { query, key, value }, residual) {
      const products = matMul(g.at('scores'), query, transpose(g.at('scores'), key, [0, 1, 3, 2]));
      const scores = relative?.onScores(g, products, query) ?? products; // [B, N, T, T]
      const weights = attentionWeights(g, scores, bias, residual);
      const context = matMul(g.at('context'), weights, value); // [B, N, T, H]
      return { context: relative?.onContext(g, context, weights) ?? context, scores };
    },
  };
}

/** softmax(scores + residual + bias): [B, N, T, S]. */
export function attentionWeights(g: GraphBuilder, scores: Value, bias: Value, residual: Value | undefined): Value {
  const raised = residual === undefined ? scores : add(g.at('residual'), scores, residual);
  return softmax(g, add(g.at('mask'), raised, bias));
}

/** [B, T, N·H] → [B, N, T, H] */
export function splitHeads(g: GraphBuilder, x: Value, heads: number, size: number): Value {
  const [batch = 'B', length = 'T'] = x.shape;
  return transpose(g, reshape(g, x, [batch, length, heads, size]), [0, 2, 1, 3]);
}

/** [B, N, T, H] → [B, T, N·H] */
function mergeHeads(g: GraphBuilder, x: Value): Value {
  const merged = transpose(g.at('merge'), x, [0, 2, 1, 3]);
  const [batch = 'B', length = 'T', heads, size] = merged.shape;
  return reshape(g.at('merge'), merged, [batch, length, Number(heads) * Number(size)]);
}
