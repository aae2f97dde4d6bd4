/**
 * The configuration that bert4keras' models share: `bert_config.json` with the keywords of `build_transformer_model` over
 * it, with the same aliases and defaults.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L2652-L2681
 */
import type { Application, Dimensions } from '../../src/core/manifest.ts';
import type { FoundShapes } from '../architecture.ts';
import { type Activation, activationNamed, activationNames, type GeluForm } from '../layers/activation.ts';
import type { LearnedPositions } from '../layers/embeddings.ts';
import type { StackSizes } from '../layers/transformer.ts';
import { weightName } from '../onnx/weight-name.ts';
import type { ConfigReader } from './config-reader.ts';

/** Sizes and options that all architectures of the family have. */
export interface TransformerConfig extends StackSizes {
  readonly application: Application;
  /** Rows of the token table, after keep_tokens and compound_tokens. */
  readonly vocabSize: number;
  readonly embeddingSize: number;
  /** Fixed length of sequences, or null. */
  readonly sequenceLength: number | null;
  /** 0: the model takes no segments. */
  readonly segmentVocabSize: number;
  /** Segments are looked up in the token table. */
  readonly sharedSegments: boolean;
  /** The caller gives position ids. */
  readonly customPositionIds: boolean;
  /** Rows of the position table, where there is one. */
  readonly positionRows: number;
  readonly hierarchical: LearnedPositions['hierarchical'];
}

/** Options of `build_transformer_model` that change what is computed and that no architecture here has. */
const UNSUPPORTED = [
  'layer_norm_cond',
  'layer_norm_cond_hidden_size',
  'layer_norm_cond_hidden_act',
  'additional_input_layers',
  'attention_caches',
  'layers',
  'autoresize_weights',
];

/** Reads the shared part; problems stay in the reader. */
export function readTransformerConfig(read: ConfigReader): TransformerConfig {
  for (const key of UNSUPPORTED) if (read.has(key) && read.value(key) !== false) read.refuse(key, 'is not supported');
  const hiddenSize = read.integer('hidden_size', 1);
  const heads = read.integer('num_attention_heads', 1);
  const headSize = read.integer('attention_head_size', 1, Math.max(1, Math.floor(hiddenSize / heads)));
  const positionRows = read.integer(read.has('max_position') ? 'max_position' : 'max_position_embeddings', 1, 512);
  const config: TransformerConfig = {
    application: read.word('application', ['encoder', 'lm', 'unilm'], 'encoder'),
    layers: layerCount(read),
    vocabSize: vocabularySize(read),
    hiddenSize,
    heads,
    headSize,
    keySize: read.integer('attention_key_size', 1, headSize),
    intermediateSize: read.integer('intermediate_size', 1),
    hiddenAct: hiddenActivations(read),
    embeddingSize: read.integer('embedding_size', 1, hiddenSize),
    sequenceLength: read.has('sequence_length') ? read.integer('sequence_length', 1) : null,
    segmentVocabSize: read.integer(read.has('segment_vocab_size') ? 'segment_vocab_size' : 'type_vocab_size', 0, 2),
    sharedSegments: read.flag('shared_segment_embeddings'),
    customPositionIds: read.flag('custom_position_ids'),
    residualAttentionScores: read.flag('residual_attention_scores'),
    positionRows,
    hierarchical: hierarchicalPositions(read, positionRows),
  };
  refuseImpossible(read, config);
  return config;
}

/** Deepest model that is planned; a slip of the pen must not make a graph of millions of nodes. */
const MOST_LAYERS = 1024;

function layerCount(read: ConfigReader): number {
  const layers = read.integer('num_hidden_layers', 1);
  if (layers <= MOST_LAYERS) return layers;
  read.refuse('num_hidden_layers', `must be at most ${MOST_LAYERS}, not ${layers}`);
  return 1;
}

/**
 * An option that is false, true (meaning `whenTrue`) or the name of an activation, as `with_mlm` and `with_pool` are;
 * null when it is off.
 */
export function activationOption(read: ConfigReader, key: string, whenTrue: Activation): Activation | null {
  const found = read.value(key) ?? false;
  if (found === false) return null;
  return found === true ? whenTrue : knownActivation(read, key, found);
}

/** The configuration with the numbers of rows that the checkpoint's tables have. */
export function adoptTableRows<C extends TransformerConfig>(config: C, found: FoundShapes): C {
  const rows = (layer: string, whenAbsent: number): number =>
    found.get(weightName(layer, 'embeddings'))?.[0] ?? whenAbsent;
  return {
    ...config,
    vocabSize: rows('Embedding-Token', config.vocabSize),
    segmentVocabSize: rows('Embedding-Segment', config.segmentVocabSize),
    positionRows: rows('Embedding-Position', config.positionRows),
  };
}

/** The sizes that the run time needs; `maxPositions` is null where positions have no limit. */
export function dimensionsOf(config: TransformerConfig, maxPositions: number | null): Dimensions {
  return {
    layers: config.layers,
    heads: config.heads,
    headSize: config.headSize,
    keySize: config.keySize,
    hidden: config.hiddenSize,
    vocabSize: config.vocabSize,
    segmentVocabSize: config.sharedSegments && config.segmentVocabSize > 0 ? config.vocabSize : config.segmentVocabSize,
    maxPositions,
  };
}

/** Positions that a learned table reaches. */
export function learnedPositionLimit({ hierarchical, positionRows }: TransformerConfig): number {
  return hierarchical === null ? positionRows : positionRows * hierarchical.period;
}

function vocabularySize(read: ConfigReader): number {
  const configured = read.integer('vocab_size', 1);
  const kept = listLength(read, 'keep_tokens');
  return (kept ?? configured) + (listLength(read, 'compound_tokens') ?? 0);
}

function listLength(read: ConfigReader, key: string): number | undefined {
  const found = read.value(key);
  if (found !== undefined && !Array.isArray(found)) read.refuse(key, 'must be a list');
  return Array.isArray(found) ? found.length : undefined;
}

function hiddenActivations(read: ConfigReader): readonly Activation[] {
  const found = read.value('hidden_act');
  if (found === undefined) read.refuse('hidden_act', 'is missing');
  const names = Array.isArray(found) ? found : [found ?? 'linear'];
  if (names.length === 0) read.refuse('hidden_act', 'must name an activation');
  return names.map(name => knownActivation(read, 'hidden_act', name));
}

function knownActivation(read: ConfigReader, key: string, name: unknown): Activation {
  const gelu: GeluForm = read.value('gelu') === 'tanh' ? 'tanh' : 'erf';
  const activation = typeof name === 'string' ? activationNamed(name, gelu) : undefined;
  if (activation === undefined)
    read.refuse(key, `must be one of ${activationNames().join(', ')}, not ${JSON.stringify(name)}`);
  return activation ?? 'linear';
}

function hierarchicalPositions(read: ConfigReader, rows: number): LearnedPositions['hierarchical'] {
  const found = read.value('hierarchical_position') ?? false;
  if (found === false || found === 0) return null;
  if (found === true) return { alpha: 0.4, period: rows };
  if (typeof found === 'number' && found !== 1) return { alpha: found, period: rows };
  read.refuse('hierarchical_position', `must be true, false or a number other than 1, not ${JSON.stringify(found)}`);
  return null;
}

function refuseImpossible(read: ConfigReader, config: TransformerConfig): void {
  read.word('gelu', ['erf', 'tanh'], 'erf');
  if (config.application === 'unilm' && config.segmentVocabSize === 0)
    read.refuse('application', 'unilm needs segments, but segment_vocab_size is 0');
}
