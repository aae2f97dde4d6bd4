/**
 * RoFormer (Su et al. 2021, https://arxiv.org/abs/2104.09864): BERT with rotary positions in attention instead of learned
 * ones. Nothing is stored for them, and there is no limit to positions.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L1113-L1217
 */
import type { Architecture } from '../architecture.ts';
import { type BertConfig, describeBert, readBertConfig } from '../config/bert-config.ts';
import { readConfig } from '../config/config-reader.ts';
import { refuseUnrotatable } from '../config/rotary-config.ts';
import { adoptTableRows } from '../config/transformer-config.ts';
import { type Attention, fullAttention } from '../layers/attention.ts';
import { bertEmbeddingLayers } from '../layers/bert-embeddings.ts';
import { type BertStack, bertEncoder, rowLogits } from '../layers/bert-graphs.ts';
import { bertHeadLayers, bertHeads } from '../layers/bert-heads.ts';
import { cachedAttention, stepInputs } from '../layers/cached-attention.ts';
import { attentionBias } from '../layers/masks.ts';
import { readAttention, readInputs } from '../layers/read-attention.ts';
import { rotaryAttention, rowPositions, sequencePositions } from '../layers/rotary.ts';
import { modelInputs } from '../layers/sequence-inputs.ts';
import { outputStepLogits } from '../layers/top-tokens.ts';
import { postNormLayers } from '../layers/transformer.ts';

/** Keras' default, which these layers don't override. */
const EPSILON = 1e-7;

/** RoFormer. */
export const roformer: Architecture<BertConfig> = {
  name: 'roformer',

  parseConfig(config, keywords) {
    const read = readConfig('RoFormer configuration', config, keywords);
    const parsed = readBertConfig(read);
    refuseUnrotatable(read, parsed);
    read.finish();
    return parsed;
  },

  adoptShapes: adoptTableRows,

  layers(config) {
    return [...bertEmbeddingLayers(config, { positions: false }), ...postNormLayers(config), ...bertHeadLayers(config)];
  },

  graphs: {
    model(g, config) {
      const inputs = modelInputs(g, config);
      const full = fullAttention(attentionBias(g, inputs, describe(config).attention));
      const attention = rotaryAttention(g, full, { positions: sequencePositions(g, inputs), keySize: config.keySize });
      bertHeads(g, config, bertEncoder(g, config, inputs, stackOf(attention)));
    },

    read(g, config) {
      const inputs = readInputs(g, config);
      const full = fullAttention(attentionBias(g, inputs, describe(config).attention));
      const read = readAttention(config, inputs.logitRows, full);
      const attention = rotaryAttention(g, read, { positions: rowPositions(g, inputs), keySize: config.keySize });
      g.output('logits', rowLogits(g, config, inputs, stackOf(attention))); // [B, K, V]
    },

    step(g, config) {
      const inputs = stepInputs(g, config);
      const cached = cachedAttention(g, config, inputs);
      const attention = rotaryAttention(g, cached, { positions: inputs.positions, keySize: config.keySize });
      outputStepLogits(g, rowLogits(g, config, inputs, stackOf(attention)));
    },
  },

  describe,
};

function stackOf(attention: Attention): BertStack {
  return { attention, positions: null, epsilons: { embeddings: EPSILON, blocks: EPSILON } };
}

function describe(config: BertConfig) {
  return describeBert(config, { modelType: 'roformer', maxPositions: null });
}
