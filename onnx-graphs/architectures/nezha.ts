/**
 * NEZHA (Wei et al. 2019, https://arxiv.org/abs/1909.00204): BERT with clipped relative positions in attention instead of
 * learned absolute ones. With T the table of 129 rows and r = clip(k - q, ±64) + 64, every head has
 *
 *   scores[q, k] = (q · k + q · T[r]) / √d        context[q] = Σₖ p[q, k] (v[k] + T[r])
 *
 * T is sinusoidal and not trained: published checkpoints leave it out, Keras files hold it, and what a file holds is used.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L949-L1111
 */
import type { Architecture, LayerSpec } from '../architecture.ts';
import { type BertConfig, describeBert, readBertConfig } from '../config/bert-config.ts';
import { readConfig } from '../config/config-reader.ts';
import { adoptTableRows } from '../config/transformer-config.ts';
import { type Attention, fullAttention } from '../layers/attention.ts';
import { bertEmbeddingLayers } from '../layers/bert-embeddings.ts';
import { type BertStack, bertEncoder, rowLogits } from '../layers/bert-graphs.ts';
import { bertHeadLayers, bertHeads } from '../layers/bert-heads.ts';
import { cachedAttention, stepInputs } from '../layers/cached-attention.ts';
import { attentionBias } from '../layers/masks.ts';
import { readAttention, readInputs } from '../layers/read-attention.ts';
import { RELATIVE_ROWS, type RelativeTable } from '../layers/relative-position.ts';
import { modelInputs } from '../layers/sequence-inputs.ts';
import { sequenceRelativeTerms } from '../layers/sequence-relative.ts';
import { sinusoidalTable } from '../layers/sinusoid.ts';
import { rowRelativeTerms, slotRelativeTerms } from '../layers/slot-relative.ts';
import { outputStepLogits } from '../layers/top-tokens.ts';
import { postNormLayers } from '../layers/transformer.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';

/** Keras' default, which these layers don't override. */
const EPSILON = 1e-7;

const TABLE = 'Embedding-Relative-Position';

/** NEZHA. */
export const nezha: Architecture<BertConfig> = {
  name: 'nezha',

  parseConfig(config, keywords) {
    const read = readConfig('NEZHA configuration', config, keywords);
    const parsed = readBertConfig(read);
    if (parsed.keySize !== parsed.headSize || parsed.keySize % 2 !== 0)
      read.refuse('attention_key_size', 'must be even and the same as attention_head_size for relative positions');
    read.finish();
    return parsed;
  },

  adoptShapes: adoptTableRows,

  layers(config) {
    return [
      ...bertEmbeddingLayers(config, { positions: false }),
      relativeTableLayer(config.keySize),
      ...postNormLayers(config),
      ...bertHeadLayers(config),
    ];
  },

  graphs: {
    model(g, config) {
      const inputs = modelInputs(g, config);
      const rules = describe(config).attention;
      const causal = rules.visibility === 'causal';
      const relative = sequenceRelativeTerms(g, relativeTable(g, config), { tokens: inputs.tokens, causal });
      const attention = fullAttention(attentionBias(g, inputs, rules), relative);
      bertHeads(g, config, bertEncoder(g, config, inputs, stackOf(attention)));
    },

    read(g, config) {
      const inputs = readInputs(g, config);
      const bias = attentionBias(g, inputs, describe(config).attention);
      const table = relativeTable(g, config);
      const full = fullAttention(bias, sequenceRelativeTerms(g, table, { tokens: inputs.tokens, causal: false }));
      const ofRead = () => fullAttention(bias, rowRelativeTerms(g, table, inputs));
      const attention = readAttention(config, inputs.logitRows, full, ofRead);
      g.output('logits', rowLogits(g, config, inputs, stackOf(attention))); // [B, K, V]
    },

    step(g, config) {
      const inputs = stepInputs(g, config);
      const past = g.input('past_position_ids', 'int64', ['B', 'P']);
      const attention = cachedAttention(g, config, inputs, slotRelativeTerms(relativeTable(g, config), past));
      outputStepLogits(g, rowLogits(g, config, inputs, stackOf(attention)));
    },
  },

  describe,
};

function stackOf(attention: Attention): BertStack {
  return { attention, positions: null, epsilons: { embeddings: EPSILON, blocks: EPSILON } };
}

function relativeTable(g: GraphBuilder, { keySize, heads }: BertConfig): RelativeTable {
  return { table: g.weight(TABLE, 'embeddings', [RELATIVE_ROWS, keySize]), heads };
}

function relativeTableLayer(width: number): LayerSpec {
  return {
    name: TABLE,
    slots: [{ slot: 'embeddings', shape: [RELATIVE_ROWS, width] }],
    compute: () => sinusoidalTable(RELATIVE_ROWS, width),
  };
}

function describe(config: BertConfig) {
  return describeBert(config, { modelType: 'nezha', maxPositions: null });
}
