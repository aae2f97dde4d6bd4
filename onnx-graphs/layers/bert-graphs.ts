/**
 * The graphs of BERT and those of its kin that learn absolute positions: embeddings, a post-norm stack, heads.
 */
import type { GraphWriters } from '../architecture.ts';
import { attentionRules, type BertConfig } from '../config/bert-config.ts';
import type { TransformerConfig } from '../config/transformer-config.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { type Attention, fullAttention } from './attention.ts';
import { bertEmbeddings, type PositionSource } from './bert-embeddings.ts';
import { bertHeads, maskedLanguageModel } from './bert-heads.ts';
import { cachedAttention, stepInputs } from './cached-attention.ts';
import { layerNormWith } from './layer-norm.ts';
import { attentionBias, type SequenceInputs } from './masks.ts';
import { readAttention, readInputs } from './read-attention.ts';
import { type ModelInputs, modelInputs } from './sequence-inputs.ts';
import { postNormStack } from './transformer.ts';

/** ε of the normalisations. */
export interface BertEpsilons {
  readonly embeddings: number;
  readonly blocks: number;
}

/** The whole forward pass, and the graphs that read masks or write. */
export function bertGraphs(epsilons: BertEpsilons): GraphWriters<BertConfig> {
  return {
    model: (g, config) => bertHeads(g, config, bertHidden(g, config, epsilons)),

    read(g, config) {
      const inputs = readInputs(g, config);
      const attention = readAttention(config, inputs.logitRows, maskedAttention(g, config, inputs));
      rowLogits(g, config, positioned(inputs), { attention, epsilons });
    },

    step(g, config) {
      const inputs = stepInputs(g, config);
      const attention = cachedAttention(g, config, inputs);
      rowLogits(g, config, { ...inputs, positions: { ids: inputs.positions } }, { attention, epsilons });
    },
  };
}

/** Writes the logits of the rows that `attention` leaves. */
function rowLogits(
  g: GraphBuilder,
  config: BertConfig,
  inputs: PositionedInputs,
  stack: { readonly attention: Attention; readonly epsilons: BertEpsilons },
): void {
  const rows = stack.attention.rows(g, config.layers, encoder(g, config, inputs, stack)); // [B, K, D]
  g.output('logits', maskedLanguageModel(g, config, rows)); // [B, K, V]
}

/** Declares the inputs of a whole forward pass, and gives its hidden states: [B, T, D]. */
export function bertHidden(g: GraphBuilder, config: TransformerConfig, epsilons: BertEpsilons): Value {
  const inputs = modelInputs(g, config);
  return encoder(g, config, positioned(inputs), { attention: maskedAttention(g, config, inputs), epsilons });
}

function maskedAttention(g: GraphBuilder, config: TransformerConfig, inputs: SequenceInputs): Attention {
  return fullAttention(attentionBias(g, inputs, attentionRules(config)));
}

interface PositionedInputs extends SequenceInputs {
  readonly positions: PositionSource;
}

function positioned(inputs: ModelInputs): PositionedInputs {
  return {
    ...inputs,
    positions: inputs.positions === undefined ? { tokens: inputs.tokens } : { ids: inputs.positions },
  };
}

/** int64 [B, T] → [B, Q, D] */
function encoder(
  g: GraphBuilder,
  config: TransformerConfig,
  inputs: PositionedInputs,
  { attention, epsilons }: { readonly attention: Attention; readonly epsilons: BertEpsilons },
): Value {
  const x = bertEmbeddings(g, config, inputs, { positions: inputs.positions, epsilon: epsilons.embeddings });
  return postNormStack(g, config, x, { attention, norm: layerNormWith(epsilons.blocks) });
}
