/**
 * The heads of BERT: pooled vector, next sentence, masked language model. Outputs come before their last activation,
 * except the pooled vector, which the next-sentence head reads after it.
 */
import type { LayerSpec } from '../architecture.ts';
import type { BertConfig } from '../config/bert-config.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { activate } from './activation.ts';
import { dense, denseLayer } from './dense.ts';
import { table } from './embeddings.ts';
import { pooler, tiedLogits } from './heads.ts';
import { layerNorm, layerNormLayer } from './layer-norm.ts';

const MLM_EPSILON = 1e-12;

/** The Keras layers of the heads in tf.keras' order: by distance from the outputs, farthest first. */
export function bertHeadLayers(config: BertConfig): readonly LayerSpec[] {
  const { hiddenSize, embeddingSize } = config;
  const pool = config.withPool === null ? [] : [denseLayer('Pooler-Dense', [hiddenSize, hiddenSize])];
  const nsp = config.withNsp ? [denseLayer('NSP-Proba', [hiddenSize, 2])] : [];
  if (config.withMlm === null) return [...pool, ...nsp];
  const bias: LayerSpec = {
    name: 'MLM-Bias',
    slots: [{ slot: 'beta', shape: [config.vocabSize], freeAxis: 0, vocabularyAxis: 0 }],
  };
  return [
    denseLayer('MLM-Dense', [hiddenSize, embeddingSize]),
    layerNormLayer('MLM-Norm', embeddingSize),
    ...(config.withNsp ? [...pool, bias, ...nsp] : [bias, ...pool]),
  ];
}

/** Writes all outputs of the whole model: `last_hidden_state` always, the others where the heads exist. */
export function bertHeads(g: GraphBuilder, config: BertConfig, hidden: Value): void {
  g.output('last_hidden_state', hidden); // [B, T, D]
  if (config.withPool !== null) {
    const pooled = pooler(g, 'Pooler-Dense', hidden, config.withPool);
    g.output('pooler_output', pooled); // [B, D]
    if (config.withNsp)
      g.output('seq_relationship_logits', dense(g.at('NSP-Proba'), { layer: 'NSP-Proba' }, pooled, 2));
  }
  if (config.withMlm !== null) g.output('logits', maskedLanguageModel(g, config, hidden)); // [B, T, V]
}

/** LN(act(x W + b)) · tableᵀ + b: [B, T, D] → [B, T, V]. */
export function maskedLanguageModel(g: GraphBuilder, config: BertConfig, x: Value): Value {
  const at = g.at('MLM-Dense');
  const [activation = 'linear'] = config.hiddenAct;
  const h = activate(at, activation, dense(at, { layer: 'MLM-Dense' }, x, config.embeddingSize)); // [B, T, E]
  const tokens = table(g, 'Embedding-Token', { rows: config.vocabSize, width: config.embeddingSize });
  const bias = g.weight('MLM-Bias', 'beta', [config.vocabSize]);
  return tiedLogits(g.at('MLM-Logits'), layerNorm(g, 'MLM-Norm', h, MLM_EPSILON), tokens, bias);
}
