/**
 * GPT (Radford et al. 2018, https://github.com/openai/finetune-transformer-lm), as CDial-GPT and others use it:
 *
 *   x = token + segment + position                       no normalisation
 *   x = LN(x + Att(x));  x = LN(x + FFN(x))              in every layer
 *   logits = x · tableᵀ
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L1497-L1614
 */
import type { Architecture } from '../architecture.ts';
import { readConfig } from '../config/config-reader.ts';
import { describeGpt, type GptConfig, readGptConfig } from '../config/gpt-config.ts';
import { adoptTableRows } from '../config/transformer-config.ts';
import { embeddingTableLayers, summedEmbeddings } from '../layers/bert-embeddings.ts';
import { languageModelGraphs } from '../layers/language-model.ts';
import { layerNormWith } from '../layers/layer-norm.ts';
import { postNormLayers, postNormStack } from '../layers/transformer.ts';

/** GPT. */
export const gpt: Architecture<GptConfig> = {
  name: 'gpt',

  parseConfig(config, keywords) {
    const read = readConfig('GPT configuration', config, keywords);
    const parsed = readGptConfig(read, { segments: true });
    read.finish();
    return parsed;
  },

  adoptShapes: adoptTableRows,

  layers: config => [...embeddingTableLayers(config, { positions: true }), ...postNormLayers(config)],

  graphs: languageModelGraphs((g, config, inputs, attention) => {
    const x = summedEmbeddings(g, config, inputs, inputs.positions);
    return postNormStack(g, config, x, { attention, norm: layerNormWith(1e-12) });
  }),

  describe: describeGpt,
};
