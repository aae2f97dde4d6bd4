/**
 * GPT-2 (Radford et al. 2019, https://github.com/openai/gpt-2), the form of CPM and others: normalisation comes before each
 * half of a block, and once more at the end. No segments.
 *
 *   x = token + position
 *   x = x + Att(LN(x));  x = x + FFN(LN(x))              in every layer
 *   logits = LN(x) · tableᵀ
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L1616-L1779
 */
import type { Architecture } from '../architecture.ts';
import { readConfig } from '../config/config-reader.ts';
import { describeGpt, type GptConfig, readGptConfig } from '../config/gpt-config.ts';
import { adoptTableRows } from '../config/transformer-config.ts';
import { attentionLayer } from '../layers/attention.ts';
import { embeddingTableLayers, summedEmbeddings } from '../layers/bert-embeddings.ts';
import { feedForwardLayer } from '../layers/feed-forward.ts';
import { languageModelGraphs } from '../layers/language-model.ts';
import { layerNormLayer, layerNormWith } from '../layers/layer-norm.ts';
import { preNormAttention, preNormFeedForward } from '../layers/pre-norm.ts';
import { blockNames } from '../layers/transformer.ts';

const norm = layerNormWith(1e-5);

/** GPT-2. */
export const gpt2: Architecture<GptConfig> = {
  name: 'gpt2',

  parseConfig(config, keywords) {
    const read = readConfig('GPT-2 configuration', config, keywords);
    const parsed = readGptConfig(read, { segments: false });
    read.finish();
    return parsed;
  },

  adoptShapes: adoptTableRows,

  layers(config) {
    const blocks = Array.from({ length: config.layers }, (_, i) => blockNames(i));
    return [
      ...embeddingTableLayers(config, { positions: true }),
      ...blocks.flatMap(names => [
        layerNormLayer(`${names.attention}-Norm`, config.hiddenSize),
        attentionLayer(names.attention, config),
        layerNormLayer(`${names.feedForward}-Norm`, config.hiddenSize),
        feedForwardLayer(names.feedForward, config),
      ]),
      layerNormLayer('Output-Norm', config.hiddenSize),
    ];
  },

  graphs: languageModelGraphs((g, config, inputs, attention) => {
    let x = summedEmbeddings(g, config, inputs, inputs.positions);
    for (let index = 0; index < config.layers; index++) {
      const names = blockNames(index);
      x = preNormAttention(g, { layer: names.attention, index }, x, { sizes: config, attention, norm }).output;
      x = preNormFeedForward(g, names.feedForward, x, { sizes: config, norm });
    }
    return norm(g, 'Output-Norm', x);
  }),

  describe: describeGpt,
};
