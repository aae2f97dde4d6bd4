/**
 * The Keras layers of T5 and mT5, with their names.
 */
import type { LayerSpec } from '../architecture.ts';
import type { T5Config } from '../config/t5-config.ts';
import { attentionLayer } from './attention.ts';
import { bucketTableLayer } from './bucketed-positions.ts';
import { denseLayer } from './dense.ts';
import { tokenTableLayer } from './embeddings.ts';
import { feedForwardLayer } from './feed-forward.ts';
import { rmsNormLayer } from './rms-norm.ts';

/** A stack, as layer names begin. */
export type Stack = 'Encoder' | 'Decoder';

/** Keras names of the parts of a block; `cross` in decoders only. */
export function blockNames(stack: Stack, i: number) {
  const block = `${stack}-Transformer-${i}`;
  return {
    attention: `${block}-MultiHeadSelfAttention`,
    cross: `${block}-MultiHeadCrossAttention`,
    feedForward: `${block}-FeedForward`,
  };
}

/**
 * Keras layers in the order of their depth, that of tf.keras' files, where encoder and decoder meet: the decoder's mapping
 * comes before the encoder's last network, the encoder's last normalisation between the decoder's first two attentions.
 * That is the order with dropout; files name their variables, and names go first.
 */
export function t5Layers(config: T5Config): readonly LayerSpec[] {
  const { vocabSize: rows, embeddingSize: width, sides } = config;
  const [encoder, outputNorm] = sides === 'decoder' ? [[], []] : encoderLayers(config);
  const decoder = sides === 'encoder' ? [] : decoderLayers(config, outputNorm);
  const mapping = sides === 'encoder' ? [] : mappingLayers(config, 'Decoder-Embedding-Mapping');
  return [
    tokenTableLayer('Embedding-Token', { rows, width }),
    ...encoder.slice(0, -1),
    ...mapping,
    ...encoder.slice(-1),
    ...(sides === 'encoder' ? outputNorm : decoder),
  ];
}

function encoderLayers(config: T5Config): readonly [readonly LayerSpec[], readonly LayerSpec[]] {
  const blocks = Array.from({ length: config.layers }, (_, i) => {
    const feedForward = feedForwardLayer(blockNames('Encoder', i).feedForward, config);
    return [...selfAttentionLayers(config, 'Encoder', i), ...normed(config, feedForward)];
  });
  return [
    [...mappingLayers(config, 'Encoder-Embedding-Mapping'), ...blocks.flat()],
    [rmsNormLayer('Encoder-Output-Norm', config.hiddenSize)],
  ];
}

function decoderLayers(config: T5Config, encoderOutput: readonly LayerSpec[]): readonly LayerSpec[] {
  const blocks = Array.from({ length: config.layers }, (_, i) => {
    const { cross, feedForward } = blockNames('Decoder', i);
    return [
      ...selfAttentionLayers(config, 'Decoder', i),
      ...(i === 0 ? encoderOutput : []),
      ...normed(config, attentionLayer(cross, config)),
      ...normed(config, feedForwardLayer(feedForward, config)),
    ];
  });
  return [...blocks.flat(), rmsNormLayer('Decoder-Output-Norm', config.hiddenSize), ...headLayers(config)];
}

function headLayers(config: T5Config): readonly LayerSpec[] {
  const { vocabSize, embeddingSize, hiddenSize, withLm, tiedLogits } = config;
  if (withLm === null) return [];
  const mapping = denseLayer('Decoder-Output-Mapping', [hiddenSize, embeddingSize]);
  const kernel = { slot: 'kernel', shape: [embeddingSize, vocabSize], freeAxis: 1, vocabularyAxis: 1 };
  return [
    ...(embeddingSize === hiddenSize ? [] : [mapping]),
    ...(tiedLogits ? [] : [{ name: 'Decoder-Output-LM', slots: [kernel] }]),
  ];
}

/** The first block's table of positions lies between its normalisation and its attention. */
function selfAttentionLayers(config: T5Config, stack: Stack, i: number): readonly LayerSpec[] {
  const [before, attention] = normed(config, attentionLayer(blockNames(stack, i).attention, config));
  return [before, ...(i === 0 ? [bucketTableLayer(tableName(stack), config.heads)] : []), attention];
}

function normed({ hiddenSize }: T5Config, layer: LayerSpec): readonly [LayerSpec, LayerSpec] {
  return [rmsNormLayer(`${layer.name}-Norm`, hiddenSize), layer];
}

function mappingLayers({ embeddingSize, hiddenSize }: T5Config, name: string): readonly LayerSpec[] {
  return embeddingSize === hiddenSize ? [] : [denseLayer(name, [embeddingSize, hiddenSize])];
}

/** Keras name of the table of a stack's positions. */
export function tableName(stack: Stack): string {
  return `${stack}-Embedding-Relative-Position`;
}
