/**
 * Stacks of blocks with the normalisation after each sum, as in the original Transformer:
 * x = LN(x + Att(x)); x = LN(x + FFN(x)). BERT and most of its kin are such stacks.
 */
import type { LayerSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { type Attention, type AttentionSizes, attentionLayer, selfAttention } from './attention.ts';
import { type FeedForwardSizes, feedForward, feedForwardLayer } from './feed-forward.ts';
import { layerNormLayer, type Norm } from './layer-norm.ts';

/** Sizes of a stack. */
export interface StackSizes extends AttentionSizes, FeedForwardSizes {
  readonly layers: number;
  /** Each layer adds the scores of the one below (RealFormer, He et al. 2020, https://arxiv.org/abs/2012.11747). */
  readonly residualAttentionScores: boolean;
  /** All blocks have the same weights (Lan et al. 2019, https://arxiv.org/abs/1909.11942). Default false. */
  readonly sharedBlocks?: boolean;
}

/** Keras names of the two halves of block `i`. */
export function blockNames(i: number): { readonly attention: string; readonly feedForward: string } {
  return { attention: `Transformer-${i}-MultiHeadSelfAttention`, feedForward: `Transformer-${i}-FeedForward` };
}

/** Keras names of the two halves of blocks that share their weights. */
const SHARED_BLOCK = { attention: 'Transformer-MultiHeadSelfAttention', feedForward: 'Transformer-FeedForward' };

/** The Keras layers of a post-norm stack, from the first block to the last. */
export function postNormLayers(sizes: StackSizes): readonly LayerSpec[] {
  const blocks = sizes.sharedBlocks ? [SHARED_BLOCK] : Array.from({ length: sizes.layers }, (_, i) => blockNames(i));
  return blocks.flatMap(names => [
    attentionLayer(names.attention, sizes),
    layerNormLayer(`${names.attention}-Norm`, sizes.hiddenSize),
    feedForwardLayer(names.feedForward, sizes),
    layerNormLayer(`${names.feedForward}-Norm`, sizes.hiddenSize),
  ]);
}

/** x [B, T, D] → [B, Q, D] through all blocks. */
export function postNormStack(
  g: GraphBuilder,
  sizes: StackSizes,
  x: Value,
  { attention, norm }: { readonly attention: Attention; readonly norm: Norm },
): Value {
  let hidden = x;
  let residual: Value | undefined;
  for (let index = 0; index < sizes.layers; index++) {
    const names = sizes.sharedBlocks ? SHARED_BLOCK : blockNames(index);
    const at = sizes.sharedBlocks ? g.at(`Block-${index}`) : g;
    const place = { layer: names.attention, index, residual };
    const attended = selfAttention(at, place, hidden, { sizes, attention });
    const rows = attention.rows(at.at(`${names.attention}-Add`), index, hidden);
    hidden = addAndNorm(at, names.attention, [rows, attended.output], norm);
    hidden = addAndNorm(at, names.feedForward, [hidden, feedForward(at, names.feedForward, hidden, sizes)], norm);
    if (sizes.residualAttentionScores) residual = attended.scores;
  }
  return hidden;
}

function addAndNorm(g: GraphBuilder, layer: string, [x, y]: readonly [Value, Value], norm: Norm): Value {
  return norm(g, `${layer}-Norm`, add(g.at(`${layer}-Add`), x, y));
}
