/**
 * The two graphs of a decoder-only language model, around a body that differs from one architecture to the next. Token
 * scores are products with the token table: logits = x · tableᵀ.
 */
import type { GraphWriters } from '../architecture.ts';
import { attentionRules } from '../config/bert-config.ts';
import type { TransformerConfig } from '../config/transformer-config.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { type Attention, fullAttention } from './attention.ts';
import { type PositionSource, positionsOf } from './bert-embeddings.ts';
import { cachedAttention, stepInputs } from './cached-attention.ts';
import { table } from './embeddings.ts';
import { tiedLogits } from './heads.ts';
import { attentionBias, type SequenceInputs } from './masks.ts';
import { modelInputs } from './sequence-inputs.ts';
import { outputStepLogits } from './top-tokens.ts';

/** What the body of a language model starts from. */
export interface BodyInputs extends SequenceInputs {
  readonly positions: PositionSource;
}

/** From ids [B, T] to the last hidden state [B, Q, D] of the rows that `attention` leaves. */
export type Body = (g: GraphBuilder, config: TransformerConfig, inputs: BodyInputs, attention: Attention) => Value;

/** The whole forward pass and the generation graph of a language model. */
export function languageModelGraphs(body: Body): GraphWriters<TransformerConfig> {
  return {
    model(g, config) {
      const inputs = modelInputs(g, config);
      const attention = fullAttention(attentionBias(g, inputs, attentionRules(config)));
      const hidden = body(g, config, { ...inputs, positions: positionsOf(inputs) }, attention);
      g.output('last_hidden_state', hidden); // [B, T, D]
      g.output('logits', logits(g, config, hidden)); // [B, T, V]
    },

    step(g, config) {
      const inputs = stepInputs(g, config);
      const attention = cachedAttention(g, config, inputs);
      const hidden = body(g, config, { ...inputs, positions: { ids: inputs.positions } }, attention);
      outputStepLogits(g, logits(g, config, attention.rows(g, config.layers, hidden))); // [B, K, V]
    },
  };
}

function logits(g: GraphBuilder, config: TransformerConfig, x: Value): Value {
  const tokens = table(g, 'Embedding-Token', { rows: config.vocabSize, width: config.embeddingSize });
  return tiedLogits(g.at('LM-Logits'), x, tokens);
}
