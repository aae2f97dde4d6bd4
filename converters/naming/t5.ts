/**
 * T5 and mT5 as Google publishes them.
 * https://github.com/google-research/text-to-text-transfer-transformer,
 * https://github.com/google-research/multilingual-t5
 */
import { type GoogleNames, type SlotNames, transposed } from './google.ts';

/** What the releases call things differently. */
interface Release {
  /** Name of normalisations inside blocks, and of the last one. */
  readonly norm: string;
  readonly lastNorm: string;
  /** Slots of feed-forward networks → kernels. */
  readonly feedForward: Readonly<Record<string, string>>;
}

const PLAIN = { 'intermediate/kernel': 'wi', 'output/kernel': 'wo' };
const GATED = { 'intermediate/kernel': 'wi_0', 'gate-1/kernel': 'wi_1', 'output/kernel': 'wo' };

const T5: Release = { norm: 'layer_norm', lastNorm: 'final_layer_norm', feedForward: PLAIN };
const T5_1_1: Release = { ...T5, feedForward: GATED };
const MT5: Release = { norm: 'rms_norm', lastNorm: 'rms_norm', feedForward: GATED };

const EMBEDDING = { 'Embedding-Token': { embeddings: 'shared/embedding' } };
const LOGITS = { 'Decoder-Output-LM': { kernel: 'decoder/logits/kernel' } };

/** Names by architecture. A model of one side reads the tensors of that side. */
export const t5: Readonly<Record<string, GoogleNames>> = {
  't5.1.0': { layers: { ...EMBEDDING, ...encoder(T5), ...decoder(T5) } },
  't5.1.0_encoder': { layers: { ...EMBEDDING, ...encoder(T5) } },
  't5.1.0_decoder': { layers: { ...EMBEDDING, ...decoder(T5) } },
  't5.1.1': { layers: { ...EMBEDDING, ...encoder(T5_1_1), ...decoder(T5_1_1), ...LOGITS } },
  't5.1.1_encoder': { layers: { ...EMBEDDING, ...encoder(T5_1_1) } },
  't5.1.1_decoder': { layers: { ...EMBEDDING, ...decoder(T5_1_1), ...LOGITS } },
  'mt5.1.1': { layers: { ...EMBEDDING, ...encoder(MT5), ...decoder(MT5), ...LOGITS } },
  'mt5.1.1_encoder': { layers: { ...EMBEDDING, ...encoder(MT5) } },
  'mt5.1.1_decoder': { layers: { ...EMBEDDING, ...decoder(MT5), ...LOGITS } },
};

function encoder(release: Release): GoogleNames['layers'] {
  return {
    ...stack('Encoder', 'encoder', release),
    ...feedForward('Encoder', 'encoder/block_{i:3}/layer_001', release),
  };
}

function decoder(release: Release): GoogleNames['layers'] {
  const cross = 'decoder/block_{i:3}/layer_001';
  return {
    ...stack('Decoder', 'decoder', release),
    'Decoder-Transformer-{i}-MultiHeadCrossAttention': attention(`${cross}/EncDecAttention`),
    'Decoder-Transformer-{i}-MultiHeadCrossAttention-Norm': { gamma: `${cross}/${release.norm}/scale` },
    ...feedForward('Decoder', 'decoder/block_{i:3}/layer_002', release),
  };
}

function stack(layer: string, scope: string, { norm, lastNorm }: Release): GoogleNames['layers'] {
  const self = `${scope}/block_{i:3}/layer_000`;
  const positions = `${scope}/block_000/layer_000/SelfAttention/relative_attention_bias`;
  return {
    [`${layer}-Embedding-Relative-Position`]: { embeddings: transposed(positions) },
    [`${layer}-Transformer-{i}-MultiHeadSelfAttention`]: attention(`${self}/SelfAttention`),
    [`${layer}-Transformer-{i}-MultiHeadSelfAttention-Norm`]: { gamma: `${self}/${norm}/scale` },
    [`${layer}-Output-Norm`]: { gamma: `${scope}/${lastNorm}/scale` },
  };
}

function attention(scope: string): SlotNames {
  return {
    'query/kernel': `${scope}/q`,
    'key/kernel': `${scope}/k`,
    'value/kernel': `${scope}/v`,
    'output/kernel': `${scope}/o`,
  };
}

function feedForward(layer: string, scope: string, { norm, feedForward }: Release): GoogleNames['layers'] {
  const kernels = Object.entries(feedForward).map(([slot, name]) => [slot, `${scope}/DenseReluDense/${name}/kernel`]);
  return {
    [`${layer}-Transformer-{i}-FeedForward`]: Object.fromEntries(kernels),
    [`${layer}-Transformer-{i}-FeedForward-Norm`]: { gamma: `${scope}/${norm}/scale` },
  };
}
