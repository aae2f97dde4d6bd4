/**
 * RoFormer v2 (Su et al. 2022, https://kexue.fm/archives/8998): RoFormer without a bias anywhere, and with normalisations
 * that have no weights.
 *
 *   x = RMS(token + segment) [W when the embedding size differs]
 *   x = RMS(x + Att(x));  x = RMS(x + FFN(x))    in every layer
 *   logits = x [W] · tableᵀ
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L1220-L1424
 */
import type { Architecture, LayerSpec, ModelFacts } from '../architecture.ts';
import { attentionRules, graphNames } from '../config/bert-config.ts';
import { readConfig } from '../config/config-reader.ts';
import { refuseUnrotatable } from '../config/rotary-config.ts';
import {
  activationOption,
  adoptTableRows,
  dimensionsOf,
  readTransformerConfig,
  type TransformerConfig,
} from '../config/transformer-config.ts';
import type { Activation } from '../layers/activation.ts';
import { type Attention, attentionLayer, fullAttention } from '../layers/attention.ts';
import { embeddingTableLayers, summedEmbeddings } from '../layers/bert-embeddings.ts';
import { cachedAttention, stepInputs } from '../layers/cached-attention.ts';
import { dense, denseLayer } from '../layers/dense.ts';
import { table } from '../layers/embeddings.ts';
import { feedForwardLayer } from '../layers/feed-forward.ts';
import { tiedLogits } from '../layers/heads.ts';
import { attentionBias, type SequenceInputs } from '../layers/masks.ts';
import { readAttention, readInputs } from '../layers/read-attention.ts';
import { rmsNormWith } from '../layers/rms-norm.ts';
import { rotaryAttention, rowPositions, sequencePositions } from '../layers/rotary.ts';
import { modelInputs } from '../layers/sequence-inputs.ts';
import { outputStepLogits } from '../layers/top-tokens.ts';
import { blockNames, postNormStack } from '../layers/transformer.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';

/** Keras' default, which these layers don't override. */
const norm = rmsNormWith(1e-7);

interface RoformerV2Config extends TransformerConfig {
  /** The activation that ends the token head; null where there is none. */
  readonly withMlm: Activation | null;
}

/** RoFormer v2. */
export const roformerV2: Architecture<RoformerV2Config> = {
  name: 'roformer_v2',

  parseConfig(config, keywords) {
    const read = readConfig('RoFormer v2 configuration', config, keywords);
    const shared = readTransformerConfig(read);
    const generates = shared.application !== 'encoder';
    const withMlm = activationOption(read, 'with_mlm', 'softmax') ?? (generates ? 'softmax' : null);
    refuseUnrotatable(read, shared);
    if (generates && shared.residualAttentionScores)
      read.refuse('residual_attention_scores', `can't be combined with application ${shared.application}`);
    read.finish();
    return { ...shared, useBias: false, withMlm };
  },

  adoptShapes: adoptTableRows,

  layers(config) {
    const { embeddingSize, hiddenSize, withMlm } = config;
    const mapped = embeddingSize !== hiddenSize;
    return [
      ...embeddingTableLayers(config, { positions: false }),
      ...(mapped ? [mapping('Embedding-Mapping', [embeddingSize, hiddenSize])] : []),
      ...Array.from({ length: config.layers }, (_, i) => blockNames(i)).flatMap(names => [
        attentionLayer(names.attention, config),
        feedForwardLayer(names.feedForward, config),
      ]),
      ...(mapped && withMlm !== null ? [mapping('Output-Mapping', [hiddenSize, embeddingSize])] : []),
    ];
  },

  graphs: {
    model(g, config) {
      const inputs = modelInputs(g, config);
      const full = fullAttention(attentionBias(g, inputs, attentionRules(config)));
      const attention = rotaryAttention(g, full, { positions: sequencePositions(g, inputs), keySize: config.keySize });
      const hidden = encoder(g, config, inputs, attention); // [B, T, D]
      g.output('last_hidden_state', hidden);
      if (config.withMlm !== null) g.output('logits', tokenLogits(g, config, hidden)); // [B, T, V]
    },

    read(g, config) {
      const inputs = readInputs(g, config);
      const full = fullAttention(attentionBias(g, inputs, attentionRules(config)));
      const read = readAttention(config, inputs.logitRows, full);
      const attention = rotaryAttention(g, read, { positions: rowPositions(g, inputs), keySize: config.keySize });
      g.output('logits', rowLogits(g, config, inputs, attention)); // [B, K, V]
    },

    step(g, config) {
      const inputs = stepInputs(g, config);
      const cached = cachedAttention(g, config, inputs);
      const attention = rotaryAttention(g, cached, { positions: inputs.positions, keySize: config.keySize });
      outputStepLogits(g, rowLogits(g, config, inputs, attention));
    },
  },

  describe,
};

/** Logits of the rows that `attention` leaves: int64 [B, T] → [B, K, V]. */
function rowLogits(g: GraphBuilder, config: RoformerV2Config, inputs: SequenceInputs, attention: Attention): Value {
  return tokenLogits(g, config, attention.rows(g, config.layers, encoder(g, config, inputs, attention)));
}

/** int64 [B, T] → [B, Q, D] */
function encoder(g: GraphBuilder, config: RoformerV2Config, inputs: SequenceInputs, attention: Attention): Value {
  const x = norm(g, 'Embedding-Norm', summedEmbeddings(g, config, inputs, null)); // [B, T, E]
  return postNormStack(g, config, mapTo(g, 'Embedding-Mapping', x, config.hiddenSize), { attention, norm });
}

/** [B, T, D] → [B, T, V] */
function tokenLogits(g: GraphBuilder, config: RoformerV2Config, hidden: Value): Value {
  const { vocabSize: rows, embeddingSize: width } = config;
  const x = mapTo(g, 'Output-Mapping', hidden, width); // [B, T, E]
  return tiedLogits(g.at('MLM-Logits'), x, table(g, 'Embedding-Token', { rows, width }));
}

function mapTo(g: GraphBuilder, layer: string, x: Value, size: number): Value {
  return x.shape.at(-1) === size ? x : dense(g.at(layer), { layer, useBias: false }, x, size);
}

function mapping(name: string, sizes: readonly [number, number]): LayerSpec {
  return denseLayer(name, sizes, { useBias: false });
}

function describe(config: RoformerV2Config): ModelFacts {
  return {
    application: config.application,
    dimensions: dimensionsOf(config, null),
    attention: attentionRules(config),
    activations: { ...(config.withMlm !== null && { logits: config.withMlm }) },
    modelType: 'roformer_v2',
    graphs: graphNames(config),
  };
}
