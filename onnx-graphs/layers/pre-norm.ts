/**
 * The halves of blocks with the normalisation before each of them: x + Att(norm(x)); x + FFN(norm(x)).
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { type Attention, type AttentionPlace, type AttentionSizes, selfAttention } from './attention.ts';
import { type FeedForwardSizes, feedForward } from './feed-forward.ts';
import type { Norm } from './layer-norm.ts';

/** x [B, T, D] + self-attention → [B, Q, D], with the scores for a residual in the next layer. */
export function preNormAttention(
  g: GraphBuilder,
  place: AttentionPlace,
  x: Value,
  { sizes, attention, norm }: { readonly sizes: AttentionSizes; readonly attention: Attention; readonly norm: Norm },
): { readonly output: Value; readonly scores: Value } {
  const { layer, index } = place;
  const attended = selfAttention(g, place, norm(g, `${layer}-Norm`, x), { sizes, attention });
  const sum = g.at(`${layer}-Add`);
  return { output: add(sum, attention.rows(sum, index, x), attended.output), scores: attended.scores };
}

/** x [B, Q, D] + feed-forward network → [B, Q, D]. */
export function preNormFeedForward(
  g: GraphBuilder,
  layer: string,
  x: Value,
  { sizes, norm }: { readonly sizes: FeedForwardSizes; readonly norm: Norm },
): Value {
  return add(g.at(`${layer}-Add`), x, feedForward(g, layer, norm(g, `${layer}-Norm`, x), sizes));
}
