/**
 * The graphs of BERT and those of its kin that learn absolute positions: embeddings, a post-norm stack, heads.
 */
import type { GraphWriters } from '../architecture.ts';
import { attentionRules, type BertConfig } from '../config/bert-config.ts';
import type { TransformerConfig } from '../config/transformer-config.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { type Attention, fullAttention } from './attention.ts';
import { bertEmbeddings, type PositionSource, positionsOf } from './bert-embeddings.ts';
import { bertHeads, maskedLanguageModel } from './bert-heads.ts';
import { cachedAttention, stepInputs } from './cached-attention.ts';
import { layerNormWith } from './layer-norm.ts';
import { attentionBias, type SequenceInputs } from './masks.ts';
import { readAttention, readInputs } from './read-attention.ts';
import { modelInputs } from './sequence-inputs.ts';
import { outputStepLogits } from './top-tokens.ts';
import { postNormStack } from './transformer.ts';

/** ε of the normalisations. */
export interface BertEpsilons {
  readonly embeddings: number;
  readonly blocks: number;
}

/** What differs between stacks over the same embeddings. */
export interface BertStack {
  readonly attention: Attention;
  readonly positions: PositionSource;
  readonly epsilons: BertEpsilons;
}

/** The whole forward pass, and the graphs that read masks or write. */
export function bertGraphs(epsilons: BertEpsilons): GraphWriters<BertConfig> {
  return {
    model: (g, config) => bertHeads(g, config, bertHidden(g, config, epsilons)),

    read(g, config) {
      const inputs = readInputs(g, config);
      const attention = readAttention(config, inputs.logitRows, maskedAttention(g, config, inputs));
      const positions = positionsOf(inputs);
      g.output('logits', rowLogits(g, config, inputs, { attention, positions, epsilons })); // [B, K, V]
    },

    step(g, config) {
      const inputs = stepInputs(g, config);
      const attention = cachedAttention(g, config, inputs);
      const positions = { ids: inputs.positions };
      outputStepLogits(g, rowLogits(g, config, inputs, { attention, positions, epsilons }));
    },
  };
}

/** Declares the inputs of a whole forward pass, and gives its hidden states: [B, T, D]. */
export function bertHidden(g: GraphBuilder, config: TransformerConfig, epsilons: BertEpsilons): Value {
  const inputs = modelInputs(g, config);
  const attention = maskedAttention(g, config, inputs);
  return bertEncoder(g, config, inputs, { attention, positions: positionsOf(inputs), epsilons });
}

/** Logits of the rows that the stack's attention leaves: int64 [B, T] → [B, K, V]. */
export function rowLogits(g: GraphBuilder, config: BertConfig, inputs: SequenceInputs, stack: BertStack): Value {
  const rows = stack.attention.rows(g, config.layers, bertEncoder(g, config, inputs, stack)); // [B, K, D]
  return maskedLanguageModel(g, config, rows);
}

/** int64 [B, T] → [B, Q, D] */
export function bertEncoder(
  g: GraphBuilder,
  config: TransformerConfig,
  inputs: SequenceInputs,
  { attention, positions, epsilons }: BertStack,
): Value {
  const x = bertEmbeddings(g, config, inputs, { positions, epsilon: epsilons.embeddings });
  return postNormStack(g, config, x, { attention, norm: layerNormWith(epsilons.blocks) });
}

function maskedAttention(g: GraphBuilder, config: TransformerConfig, inputs: SequenceInputs): Attention {
  return fullAttention(attentionBias(g, inputs, attentionRules(config)));
}
