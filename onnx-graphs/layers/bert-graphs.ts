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
import { modelInputs } from './sequence-inputs.ts';
import { postNormStack } from './transformer.ts';

/** ε of the normalisations. */
export interface BertEpsilons {
  readonly embeddings: number;
  readonly blocks: number;
}

/** The whole forward pass and the generation graph. */
export function bertGraphs(epsilons: BertEpsilons): GraphWriters<BertConfig> {
  return {
    model: (g, config) => bertHeads(g, config, bertHidden(g, config, epsilons)),

    step(g, config) {
      const inputs = stepInputs(g, config);
      const attention = cachedAttention(g, config, inputs);
      const x = encoder(g, config, { ...inputs, positions: { ids: inputs.positions } }, { attention, epsilons });
      g.output('logits', maskedLanguageModel(g, config, attention.rows(g, config.layers, x))); // [B, K, V]
    },
  };
}

/** Declares the inputs of a whole forward pass, and gives its hidden states: [B, T, D]. */
export function bertHidden(g: GraphBuilder, config: TransformerConfig, epsilons: BertEpsilons): Value {
  const inputs = modelInputs(g, config);
  const attention = fullAttention(attentionBias(g, inputs, attentionRules(config)));
  const positions = inputs.positions === undefined ? { tokens: inputs.tokens } : { ids: inputs.positions };
  return encoder(g, config, { ...inputs, positions }, { attention, epsilons });
}

/** int64 [B, T] → [B, Q, D] */
function encoder(
  g: GraphBuilder,
  config: TransformerConfig,
  inputs: SequenceInputs & { readonly positions: PositionSource },
  { attention, epsilons }: { readonly attention: Attention; readonly epsilons: BertEpsilons },
): Value {
  const x = bertEmbeddings(g, config, inputs, { positions: inputs.positions, epsilon: epsilons.embeddings });
  return postNormStack(g, config, x, { attention, norm: layerNormWith(epsilons.blocks) });
}
