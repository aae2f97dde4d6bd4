/**
 * GPT2_ML (https://github.com/imcaspar/gpt2-ml, after Grover): between GPT and GPT-2. Embeddings are normalised, attention
 * is added as it is, and the feed-forward network has a normalisation on either side. No segments.
 *
 *   x = LN(token + position)
 *   x = x + Att(x);  x = LN₁(x + FFN(LN₀(x)))            in every layer
 *   logits = x · tableᵀ
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L1781-L1970
 */
import type { Architecture } from '../architecture.ts';
import { readConfig } from '../config/config-reader.ts';
import { describeGpt, type GptConfig, readGptConfig } from '../config/gpt-config.ts';
import { adoptTableRows, type TransformerConfig } from '../config/transformer-config.ts';
import { type Attention, attentionLayer, selfAttention } from '../layers/attention.ts';
import { bertEmbeddingLayers, bertEmbeddings } from '../layers/bert-embeddings.ts';
import { feedForward, feedForwardLayer } from '../layers/feed-forward.ts';
import { languageModelGraphs } from '../layers/language-model.ts';
import { layerNorm, layerNormLayer } from '../layers/layer-norm.ts';
import { blockNames } from '../layers/transformer.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';

const EPSILON = 1e-5;

/** GPT2_ML. */
export const gpt2Ml: Architecture<GptConfig> = {
  name: 'gpt2_ml',

  parseConfig(config, keywords) {
    const read = readConfig('GPT2_ML configuration', config, keywords);
    const parsed = readGptConfig(read, { segments: false });
    read.finish();
    return parsed;
  },

  adoptShapes: adoptTableRows,

  layers(config) {
    const blocks = Array.from({ length: config.layers }, (_, i) => blockNames(i));
    return [
      ...bertEmbeddingLayers(config, { positions: true }),
      ...blocks.flatMap(names => [
        attentionLayer(names.attention, config),
        layerNormLayer(`${names.feedForward}-Norm-0`, config.hiddenSize),
        feedForwardLayer(names.feedForward, config),
        layerNormLayer(`${names.feedForward}-Norm-1`, config.hiddenSize),
      ]),
    ];
  },

  graphs: languageModelGraphs((g, config, inputs, attention) => {
    let x = bertEmbeddings(g, config, inputs, { positions: inputs.positions, epsilon: EPSILON });
    for (let i = 0; i < config.layers; i++) x = block(g, config, x, { index: i, attention });
    return x;
  }),

  describe: describeGpt,
};

function block(
  g: GraphBuilder,
  config: TransformerConfig,
  x: Value,
  { index, attention }: { readonly index: number; readonly attention: Attention },
): Value {
  const names = blockNames(index);
  const attended = selfAttention(g, { layer: names.attention, index }, x, { sizes: config, attention });
  const sum = g.at(`${names.attention}-Add`);
  const middle = add(sum, attention.rows(sum, index, x), attended.output);
  const fed = feedForward(g, names.feedForward, layerNorm(g, `${names.feedForward}-Norm-0`, middle, EPSILON), config);
  return layerNorm(g, `${names.feedForward}-Norm-1`, add(g.at(`${names.feedForward}-Add`), middle, fed), EPSILON);
}
