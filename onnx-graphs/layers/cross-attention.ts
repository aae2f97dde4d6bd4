/**
 * Attention of a decoder to what its encoder made of the source (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762):
 * queries come from the target, keys and values from the source.
 *
 * B batch, S source length, R target rows, N heads, H head size, D hidden size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { type AttentionSizes, type Heads, outputProjection, splitHeads } from './attention.ts';
import { dense, denseParts } from './dense.ts';

/** Keys and values of a layer, [B, N, S, H]. */
export type SourceHeads = Omit<Heads, 'query'>;

/** The source [B, S, D] as a layer's keys and values. */
export function sourceHeads(g: GraphBuilder, layer: string, source: Value, sizes: AttentionSizes): SourceHeads {
  const { heads, keySize, headSize, useBias } = sizes;
  const at = g.at(layer);
  const parts = [
    { part: 'key', size: heads * keySize },
    { part: 'value', size: heads * headSize },
  ] as const;
  const [key, value] = denseParts(at.at('projection'), { layer, useBias }, source, parts);
  return {
    key: splitHeads(at.at('key'), key, heads, keySize),
    value: splitHeads(at.at('value'), value, heads, headSize),
  };
}

/** x [B, R, D] → [B, R, D]; `attend` gives the context [B, N, R, H] of queries [B, N, R, H], which are not scaled. */
export function crossAttention(
  g: GraphBuilder,
  layer: string,
  x: Value,
  { sizes, attend }: { readonly sizes: AttentionSizes; readonly attend: (g: GraphBuilder, query: Value) => Value },
): Value {
  const at = g.at(layer);
  const weights = { layer, part: 'query', useBias: sizes.useBias };
  const query = dense(at.at('query-projection'), weights, x, sizes.heads * sizes.keySize);
  const context = attend(at, splitHeads(at.at('query'), query, sizes.heads, sizes.keySize));
  return outputProjection(at, layer, context, sizes);
}
