/**
 * The two stacks of T5 (Raffel et al. 2019, https://arxiv.org/abs/1910.10683). Norm is a root mean square; nothing has a bias
 * but the mappings between an embedding size and a hidden size that differ.
 *
 *   encoder  x = x + Att(RMS(x));  x = x + FFN(RMS(x))
 *   decoder  x = x + Att(RMS(x));  x = x + Cross(RMS(x), source);  x = x + FFN(RMS(x))
 *
 * B batch, S source length, R target rows (T in the whole forward pass), D hidden size, E embedding size, V vocabulary.
 */
import type { T5Config } from '../config/t5-config.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, mul } from '../ops/elementwise.ts';
import { extentOf } from '../ops/layout.ts';
import { matMul, range } from '../ops/linear.ts';
import { type Attention, fullAttention } from './attention.ts';
import { type BucketTable, bothSides, bucketedBias, oneSide } from './bucketed-positions.ts';
import { crossAttention, type SourceHeads, sourceHeads } from './cross-attention.ts';
import { dense } from './dense.ts';
import { embedding, table } from './embeddings.ts';
import { tiedLogits } from './heads.ts';
import { attentionBias } from './masks.ts';
import { preNormAttention, preNormFeedForward } from './pre-norm.ts';
import { scaledRmsNormWith } from './rms-norm.ts';
import { blockNames, type Stack, tableName } from './t5-layers.ts';

const norm = scaledRmsNormWith(1e-6);

/** Source tokens int64 [B, S] → [B, S, D]. */
export function encoderStack(root: GraphBuilder, config: T5Config, tokens: Value): Value {
  const at = root.at('Encoder');
  const places = range(at, extentOf(at, tokens, 1)); // [S]
  const mask = attentionBias(at, { tokens }, { visibility: 'padding', segmentPadding: false }); // [B, 1, 1, S]
  const relative = bucketedBias(at.at('Relative-Position'), positionTable(config, 'Encoder'), {
    queries: places,
    keys: places,
  }); // [N, S, S]
  // Scores that the next layer adds have relative terms and no mask; where no layer does, one sum serves all.
  const attention = config.residualAttentionScores
    ? fullAttention(mask, { onScores: (g, scores) => add(g, scores, relative), onContext: (_g, context) => context })
    : fullAttention(add(at.at('bias'), mask, relative));
  let x = embeddings(root, config, 'Encoder', tokens);
  let residual: Value | undefined;
  for (let index = 0; index < config.layers; index++) {
    const names = blockNames('Encoder', index);
    const place = { layer: names.attention, index, residual };
    const attended = preNormAttention(root, place, x, { sizes: config, attention, norm });
    x = preNormFeedForward(root, names.feedForward, attended.output, { sizes: config, norm });
    if (config.residualAttentionScores) residual = attended.scores;
  }
  return norm(root, 'Encoder-Output-Norm', x);
}

/** What a decoder attends to. */
export interface DecoderAttention extends Attention {
  /** The context [B, N, R, H] of layer `layer`'s queries [B, N, R, H] over the source's keys and values. */
  attendSource(g: GraphBuilder, layer: number, query: Value, source: SourceHeads): Value;
}

/** Target tokens int64 [B, R] and the encoder's states [B, S, D] → [B, R, D], before the last normalisation. */
export function decoderStack(
  g: GraphBuilder,
  config: T5Config,
  { tokens, source }: { readonly tokens: Value; readonly source: Value },
  attention: DecoderAttention,
): Value {
  let x = embeddings(g, config, 'Decoder', tokens);
  for (let index = 0; index < config.layers; index++) {
    const names = blockNames('Decoder', index);
    const heads = sourceHeads(g, names.cross, source, config);
    const attend = (at: GraphBuilder, query: Value): Value => attention.attendSource(at, index, query, heads);
    x = preNormAttention(g, { layer: names.attention, index }, x, { sizes: config, attention, norm }).output;
    const crossed = crossAttention(g, names.cross, norm(g, `${names.cross}-Norm`, x), { sizes: config, attend });
    x = add(g.at(`${names.cross}-Add`), x, crossed);
    x = preNormFeedForward(g, names.feedForward, x, { sizes: config, norm });
  }
  return x;
}

/** Last states [B, K, D], normalised and scaled. */
export function decoderOutput(g: GraphBuilder, config: T5Config, x: Value): Value {
  const scale = g.constant('float32', [config.hiddenSize ** -0.5]);
  return mul(g.at('Decoder-Output-Scale'), norm(g, 'Decoder-Output-Norm', x), scale);
}

/** {@link decoderOutput} [B, K, D] → [B, K, V]. */
export function decoderLogits(g: GraphBuilder, config: T5Config, output: Value): Value {
  const { vocabSize: rows, embeddingSize: width } = config;
  const x = mapped(g, 'Decoder-Output-Mapping', output, width);
  if (config.tiedLogits) return tiedLogits(g.at('LM-Logits'), x, table(g, 'Embedding-Token', { rows, width }));
  return matMul(g.at('Decoder-Output-LM'), x, g.weight('Decoder-Output-LM', 'kernel', [width, rows]));
}

/** The table of a stack's positions. Attention to the source takes the decoder's too. */
export function positionTable({ heads }: T5Config, stack: Stack): BucketTable {
  return { layer: tableName(stack), heads, buckets: stack === 'Encoder' ? bothSides : oneSide };
}

function embeddings(g: GraphBuilder, config: T5Config, stack: Stack, tokens: Value): Value {
  const { vocabSize: rows, embeddingSize: width, hiddenSize } = config;
  const x = embedding(g, 'Embedding-Token', { rows, width }, tokens, `${stack}-Embedding-Token`);
  return mapped(g, `${stack}-Embedding-Mapping`, x, hiddenSize);
}

function mapped(g: GraphBuilder, layer: string, x: Value, size: number): Value {
  return x.shape.at(-1) === size ? x : dense(g.at(layer), { layer }, x, size);
}
