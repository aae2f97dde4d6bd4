/**
 * The configuration of T5 and mT5. Most of `bert_config.json` means what it means elsewhere; applications, segments and
 * absolute positions there are none.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L1972-L2592
 */
import type { JsonObject, ModelFacts } from '../architecture.ts';
import type { Activation } from '../layers/activation.ts';
import { BUCKETS } from '../layers/bucketed-positions.ts';
import type { ConfigReader } from './config-reader.ts';
import { activationOption, dimensionsOf, readTransformerConfig, type TransformerConfig } from './transformer-config.ts';

/** Which stacks a model has. */
export type Sides = 'both' | 'encoder' | 'decoder';

/** A T5 model, or one side of it. */
export interface T5Config extends TransformerConfig {
  readonly useBias: false;
  readonly scaled: false;
  readonly sides: Sides;
  /** Logits are products with the token table; else with a kernel of their own. */
  readonly tiedLogits: boolean;
  /** The activation that ends the decoder's token head; null where there is none. */
  readonly withLm: Activation | null;
  /** Whether attention to the source adds the decoder's relative positions. */
  readonly crossPositionBias: boolean;
}

/** What a model's name says about it. */
export type T5Variant = Pick<T5Config, 'sides' | 'tiedLogits'>;

/** Reads the keywords of T5; problems stay in the reader. */
export function readT5Config(read: ConfigReader, variant: T5Variant): T5Config {
  const shared = readTransformerConfig(read);
  if (shared.application !== 'encoder') read.refuse('application', 'must be encoder for this model');
  const hasDecoder = variant.sides !== 'encoder';
  if (shared.residualAttentionScores && hasDecoder)
    read.refuse('residual_attention_scores', "can't be combined with a decoder");
  const lm = read.has('with_lm') ? activationOption(read, 'with_lm', 'softmax') : 'softmax';
  const cross = read.value('cross_position_bias') ?? true;
  if (typeof cross !== 'boolean') read.refuse('cross_position_bias', 'must be true or false');
  return {
    ...shared,
    ...variant,
    useBias: false,
    scaled: false,
    // Two sides, told apart as segments are: 0 the source, 1 the target.
    segmentVocabSize: variant.sides === 'both' ? 2 : 0,
    sharedSegments: false,
    withLm: hasDecoder ? lm : null,
    crossPositionBias: cross === true,
  };
}

/** What the manifest says about a T5 model. */
export function describeT5(config: T5Config, modelType: string): ModelFacts {
  const { sides, withLm } = config;
  const both = sides === 'both';
  return {
    application: 'encoder',
    dimensions: dimensionsOf(config, null),
    attention: both
      ? { visibility: 'prefix', segmentPadding: false, crossAttention: true }
      : { visibility: sides === 'decoder' ? 'causal' : 'padding', segmentPadding: false },
    activations: { ...(withLm !== null && { logits: withLm }) },
    modelType,
    huggingFace: huggingFaceKeys(config),
    graphs: both ? ['model', 'encoder', 'decoder', ...(withLm === null ? [] : (['step'] as const))] : ['model'],
  };
}

/** https://huggingface.co/docs/transformers/model_doc/t5#transformers.T5Config */
function huggingFaceKeys(config: T5Config): JsonObject {
  const [gate = 'relu', ...others] = config.hiddenAct;
  const activation = { gelu_erf: 'gelu', gelu_tanh: 'gelu_new' }[gate as string] ?? gate;
  return {
    d_model: config.hiddenSize,
    d_kv: config.headSize,
    d_ff: config.intermediateSize,
    num_layers: config.layers,
    num_decoder_layers: config.layers,
    num_heads: config.heads,
    feed_forward_proj: others.length === 0 ? activation : `gated-${activation}`,
    relative_attention_num_buckets: BUCKETS,
    relative_attention_max_distance: 128,
    layer_norm_epsilon: 1e-6,
    tie_word_embeddings: config.tiedLogits,
    is_encoder_decoder: config.sides === 'both',
    decoder_start_token_id: 0,
  };
}
