/**
 * BERT (Devlin et al. 2018, https://arxiv.org/abs/1810.04805) with the options of bert4keras:
 *
 *   x = LN(token + segment + position) [W + b when the embedding size differs]
 *   x = LN(x + Att(x));  x = LN(x + FFN(x))      in every layer
 *   pooled = tanh(x₀ W + b);  next sentence = pooled W + b
 *   logits = LN(act(x W + b)) · tableᵀ + b
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L408-L789
 */
import type { Architecture } from '../architecture.ts';
import { type BertConfig, describeBert, readBertConfig } from '../config/bert-config.ts';
import { readConfig } from '../config/config-reader.ts';
import { adoptTableRows, learnedPositionLimit } from '../config/transformer-config.ts';
import { bertEmbeddingLayers } from '../layers/bert-embeddings.ts';
import { bertGraphs } from '../layers/bert-graphs.ts';
import { bertHeadLayers } from '../layers/bert-heads.ts';
import { postNormLayers } from '../layers/transformer.ts';

/** BERT and RoBERTa. */
export const bert: Architecture<BertConfig> = {
  name: 'bert',

  parseConfig(config, keywords) {
    const read = readConfig('BERT configuration', config, keywords);
    const bertConfig = readBertConfig(read);
    read.finish();
    return bertConfig;
  },

  adoptShapes: adoptTableRows,

  layers(config) {
    return [...bertEmbeddingLayers(config, { positions: true }), ...postNormLayers(config), ...bertHeadLayers(config)];
  },

  graphs: bertGraphs({ embeddings: 1e-12, blocks: 1e-12 }),

  describe: config => describeBert(config, { modelType: 'bert', maxPositions: learnedPositionLimit(config) }),
};
