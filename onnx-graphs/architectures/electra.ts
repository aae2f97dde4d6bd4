/**
 * ELECTRA (Clark et al. 2020, https://arxiv.org/abs/2003.10555): the body of BERT, trained to tell which tokens a generator
 * has replaced:
 *
 *   replaced = act(x W + b) · w + b             for every token
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L1427-L1495
 */
import type { Architecture, LayerSpec, ModelFacts } from '../architecture.ts';
import { attentionRules } from '../config/bert-config.ts';
import { readConfig } from '../config/config-reader.ts';
import {
  activationOption,
  adoptTableRows,
  dimensionsOf,
  learnedPositionLimit,
  readTransformerConfig,
  type TransformerConfig,
} from '../config/transformer-config.ts';
import { type Activation, activate } from '../layers/activation.ts';
import { bertEmbeddingLayers } from '../layers/bert-embeddings.ts';
import { bertHidden } from '../layers/bert-graphs.ts';
import { dense, denseLayer } from '../layers/dense.ts';
import { postNormLayers } from '../layers/transformer.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';

const EPSILON = 1e-12;

interface ElectraConfig extends TransformerConfig {
  /** The activation that ends the discriminator; null where there is none. */
  readonly withDiscriminator: Activation | null;
}

/** ELECTRA. */
export const electra: Architecture<ElectraConfig> = {
  name: 'electra',

  parseConfig(config, keywords) {
    const read = readConfig('ELECTRA configuration', config, keywords);
    for (const key of ['with_pool', 'with_mlm']) if (read.has(key)) read.refuse(key, 'does not apply to this model');
    const shared = readTransformerConfig(read);
    if (shared.application !== 'encoder') read.refuse('application', 'must be encoder for this model');
    const withDiscriminator = activationOption(read, 'with_discriminator', 'sigmoid');
    if (withDiscriminator !== null && Array.isArray(read.value('hidden_act')))
      read.refuse('hidden_act', 'must be a single activation when the model has a discriminator');
    read.finish();
    return { ...shared, withDiscriminator };
  },

  adoptShapes: adoptTableRows,

  layers(config) {
    return [...bertEmbeddingLayers(config, { positions: true }), ...postNormLayers(config), ...headLayers(config)];
  },

  graphs: {
    model(g, config) {
      const hidden = bertHidden(g, config, { embeddings: EPSILON, blocks: EPSILON }); // [B, T, D]
      g.output('last_hidden_state', hidden);
      if (config.withDiscriminator !== null) g.output('discriminator_logits', discriminator(g, config, hidden)); // [B, T, 1]
    },
  },

  describe(config): ModelFacts {
    return {
      application: config.application,
      dimensions: dimensionsOf(config, learnedPositionLimit(config)),
      attention: attentionRules(config),
      activations: { ...(config.withDiscriminator !== null && { discriminator: config.withDiscriminator }) },
      modelType: 'electra',
      graphs: ['model'],
    };
  },
};

function headLayers({ hiddenSize, withDiscriminator }: ElectraConfig): readonly LayerSpec[] {
  if (withDiscriminator === null) return [];
  return [
    denseLayer('Discriminator-Dense', [hiddenSize, hiddenSize]),
    denseLayer('Discriminator-Prediction', [hiddenSize, 1]),
  ];
}

/** [B, T, D] → [B, T, 1] */
function discriminator(g: GraphBuilder, config: ElectraConfig, hidden: Value): Value {
  const at = g.at('Discriminator-Dense');
  const [activation = 'linear'] = config.hiddenAct;
  const x = activate(at, activation, dense(at, { layer: 'Discriminator-Dense' }, hidden, config.hiddenSize));
  return dense(g.at('Discriminator-Prediction'), { layer: 'Discriminator-Prediction' }, x, 1);
}
