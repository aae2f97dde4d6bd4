/**
 * The configuration of GPT-like decoders: the shared one and the activation of the token scores.
 */
import type { ModelFacts } from '../architecture.ts';
import type { Activation } from '../layers/activation.ts';
import { attentionRules } from './bert-config.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  activationOption,
  dimensionsOf,
  learnedPositionLimit,
  readTransformerConfig,
  type TransformerConfig,
} from './transformer-config.ts';

/** A GPT-like model. */
export interface GptConfig extends TransformerConfig {
  readonly finalActivation: Activation;
}

/** What a member of the family takes. */
export interface GptTraits {
  /** Whether the model has segment and position inputs, and so can be a UniLM. */
  readonly segments: boolean;
}

/** Reads the keywords of GPT; problems stay in the reader. Attention is causal unless the application is `unilm`. */
export function readGptConfig(read: ConfigReader, { segments }: GptTraits): GptConfig {
  for (const key of ['with_pool', 'with_mlm']) if (read.has(key)) read.refuse(key, 'does not apply to this model');
  const shared = readTransformerConfig(read);
  if (shared.application === 'unilm' && !segments)
    read.refuse('application', 'unilm needs segments, which this model does not take');
  if (shared.residualAttentionScores)
    read.refuse('residual_attention_scores', "can't be combined with a causal or UniLM mask");
  if (shared.embeddingSize !== shared.hiddenSize)
    read.refuse('embedding_size', 'must equal hidden_size, since token scores are products with the token table');
  return {
    ...shared,
    application: shared.application === 'encoder' ? 'lm' : shared.application,
    ...(!segments && { segmentVocabSize: 0, sharedSegments: false, customPositionIds: false }),
    finalActivation: activationOption(read, 'final_activation', 'softmax') ?? 'softmax',
  };
}

/** What the manifest says about a GPT-like model. */
export function describeGpt(config: GptConfig): ModelFacts {
  return {
    application: config.application,
    dimensions: dimensionsOf(config, learnedPositionLimit(config)),
    attention: attentionRules(config),
    activations: { logits: config.finalActivation },
    modelType: 'gpt2',
    graphs: ['model', 'step'],
  };
}
