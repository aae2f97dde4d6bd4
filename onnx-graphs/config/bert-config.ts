/**
 * The configuration of BERT-like encoders: the shared one and which heads stand on top.
 */
import type { AttentionRules } from '../../src/core/manifest.ts';
import type { ModelFacts } from '../architecture.ts';
import type { Activation } from '../layers/activation.ts';
import type { ConfigReader } from './config-reader.ts';
import { activationOption, dimensionsOf, readTransformerConfig, type TransformerConfig } from './transformer-config.ts';

/** A BERT-like model. Heads are null where they are absent, else the activation that ends them. */
export interface BertConfig extends TransformerConfig {
  readonly withPool: Activation | null;
  readonly withNsp: boolean;
  readonly withMlm: Activation | null;
}

/** Reads the keywords of BERT; problems stay in the reader. */
export function readBertConfig(read: ConfigReader): BertConfig {
  const shared = readTransformerConfig(read);
  const withNsp = read.flag('with_nsp');
  const generates = shared.application !== 'encoder';
  const config: BertConfig = {
    ...shared,
    withPool: activationOption(read, 'with_pool', 'tanh') ?? (withNsp ? 'tanh' : null),
    withNsp,
    withMlm: activationOption(read, 'with_mlm', 'softmax') ?? (generates ? 'softmax' : null),
  };
  if (config.withMlm !== null && Array.isArray(read.value('hidden_act')))
    read.refuse('hidden_act', 'must be a single activation when the model has a masked-language-model head');
  if (generates && config.residualAttentionScores)
    read.refuse('residual_attention_scores', `can't be combined with application ${shared.application}`);
  return config;
}

/** What attention sees under an application. */
export function attentionRules(config: TransformerConfig): AttentionRules {
  const visibility = ({ encoder: 'padding', lm: 'causal', unilm: 'prefix' } as const)[config.application];
  return { visibility, segmentPadding: config.sharedSegments && config.segmentVocabSize > 0 };
}

/** The graphs of a model that has token logits or not: those of a masked model are read, a language model writes. */
export function graphNames({
  application,
  withMlm,
}: Pick<BertConfig, 'application' | 'withMlm'>): ModelFacts['graphs'] {
  if (withMlm === null) return ['model'];
  return application === 'encoder' ? ['model', 'read'] : ['model', 'step'];
}

/** What the manifest says about a BERT-like model. */
export function describeBert(
  config: BertConfig,
  { modelType, maxPositions }: { readonly modelType: string; readonly maxPositions: number | null },
): ModelFacts {
  return {
    application: config.application,
    dimensions: dimensionsOf(config, maxPositions),
    attention: attentionRules(config),
    activations: {
      ...(config.withMlm !== null && { logits: config.withMlm }),
      ...(config.withNsp && { seqRelationship: 'softmax' }),
    },
    modelType,
    graphs: graphNames(config),
  };
}
