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
import type { Architecture, LayerSpec } from '../architecture.ts';
import { type BertConfig, describeBert, readBertConfig } from '../config/bert-config.ts';
import { readConfig } from '../config/config-reader.ts';
import { adoptTableRows, learnedPositionLimit } from '../config/transformer-config.ts';
import { type Attention, fullAttention } from '../layers/attention.ts';
import { bertEmbeddingLayers, bertEmbeddings } from '../layers/bert-embeddings.ts';
import { bertHeadLayers, bertHeads, maskedLanguageModel } from '../layers/bert-heads.ts';
import { cachedAttention, stepInputs } from '../layers/cached-attention.ts';
import { attentionBias } from '../layers/masks.ts';
import { modelInputs } from '../layers/sequence-inputs.ts';
import { postNormLayers, postNormStack } from '../layers/transformer.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';

const EPSILON = 1e-12;

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

  layers(config): readonly LayerSpec[] {
    return [...bertEmbeddingLayers(config, { positions: true }), ...postNormLayers(config), ...bertHeadLayers(config)];
  },

  graphs: {
    model(g, config) {
      const inputs = modelInputs(g, config);
      const bias = attentionBias(g, inputs, describe(config).attention);
      const positions = inputs.positions === undefined ? { tokens: inputs.tokens } : { ids: inputs.positions };
      const x = bertEmbeddings(g, config, inputs, { positions, epsilon: EPSILON });
      const hidden = encoder(g, config, x, fullAttention(bias)); // [B, T, D]
      bertHeads(g, config, hidden);
    },

    step(g, config) {
      const inputs = stepInputs(g, config);
      const x = bertEmbeddings(g, config, inputs, { positions: { ids: inputs.positions }, epsilon: EPSILON });
      const attention = cachedAttention(g, config, inputs);
      const hidden = attention.rows(g, config.layers, encoder(g, config, x, attention)); // [B, K, D]
      g.output('logits', maskedLanguageModel(g, config, hidden)); // [B, K, V]
    },
  },

  describe,
};

function encoder(g: GraphBuilder, config: BertConfig, x: Value, attention: Attention): Value {
  return postNormStack(g, config, x, { attention, epsilon: EPSILON });
}

function describe(config: BertConfig) {
  return describeBert(config, { modelType: 'bert', maxPositions: learnedPositionLimit(config) });
}
