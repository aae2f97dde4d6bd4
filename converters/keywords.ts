/**
 * The keywords of bert4keras' `build_transformer_model`, in their Python spelling. Any key of the configuration file may be
 * given as a keyword too, since the reference merges both; anything else is a slip of the pen and refused.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/bert4keras/models.py
 */
import type { JsonObject } from '../onnx-graphs/architecture.ts';
import { ConfigError } from '../src/core/errors.ts';
import type { Json } from '../src/core/manifest.ts';
import { nearestNames } from './nearest-names.ts';

/** Keywords of all models, the keys of published configurations, and `gelu`, which stands for `set_gelu`. */
const KEYWORDS: ReadonlySet<string> = new Set([
  'model',
  'application',
  'return_keras_model',
  'gelu',
  'vocab_size',
  'hidden_size',
  'num_hidden_layers',
  'num_attention_heads',
  'intermediate_size',
  'hidden_act',
  'dropout_rate',
  'hidden_dropout_prob',
  'attention_dropout_rate',
  'attention_probs_dropout_prob',
  'embedding_size',
  'attention_head_size',
  'attention_key_size',
  'sequence_length',
  'keep_tokens',
  'compound_tokens',
  'residual_attention_scores',
  'ignore_invalid_weights',
  'autoresize_weights',
  'layers',
  'prefix',
  'name',
  'initializer_range',
  'max_position',
  'max_position_embeddings',
  'segment_vocab_size',
  'type_vocab_size',
  'with_pool',
  'with_nsp',
  'with_mlm',
  'with_discriminator',
  'with_lm',
  'hierarchical_position',
  'custom_position_ids',
  'shared_segment_embeddings',
  'layer_norm_cond',
  'layer_norm_cond_hidden_size',
  'layer_norm_cond_hidden_act',
  'additional_input_layers',
  'attention_caches',
  'final_activation',
  'cross_position_bias',
]);

/** What the converter itself reads of the keywords; the rest is the architecture's. */
export interface ConverterKeywords {
  readonly ignoreInvalidWeights: boolean;
  /** Prefix of Keras layer names; undefined: found from the names. */
  readonly prefix?: string;
  /** `num_hidden_layers` of the configuration, where the keyword asks for fewer: the others are left out on purpose. */
  readonly configuredLayers?: number;
}

/** @throws ConfigError listing every unknown keyword with the nearest known ones, and values of the wrong kind. */
export function readKeywords(keywords: JsonObject, config: JsonObject): ConverterKeywords {
  const known = [...KEYWORDS, ...Object.keys(config)];
  const problems = Object.keys(keywords)
    .filter(key => !known.includes(key))
    .map(key => `unknown keyword "${key}"${suggest(nearestNames(key, known))}`);
  const { ignore_invalid_weights: ignore = false, prefix = null } = { ...config, ...keywords };
  if (typeof ignore !== 'boolean') problems.push('"ignore_invalid_weights" must be true or false');
  if (prefix !== null && typeof prefix !== 'string') problems.push('"prefix" must be a string');
  if (problems.length > 0) throw new ConfigError({ what: 'keywords', found: problems.join('; ') });
  return {
    ignoreInvalidWeights: ignore === true,
    ...(typeof prefix === 'string' ? { prefix } : {}),
    ...shortened(keywords['num_hidden_layers'], config['num_hidden_layers']),
  };
}

function shortened(asked: Json | undefined, configured: Json | undefined): Pick<ConverterKeywords, 'configuredLayers'> {
  const fewer = typeof asked === 'number' && typeof configured === 'number' && asked < configured;
  return fewer ? { configuredLayers: configured } : {};
}

function suggest(names: readonly string[]): string {
  return names.length === 0 ? '' : ` (${names.join(', ')}?)`;
}
