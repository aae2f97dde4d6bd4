/**
 * T5 and mT5 (Raffel et al. 2019, https://arxiv.org/abs/1910.10683; Xue et al. 2020, https://arxiv.org/abs/2010.11934): an
 * encoder for the source and a decoder that writes the target, whole or each side by itself. T5 1.0 ties its logits to the
 * token table; 1.1 and mT5 have a kernel of their own, and gated feed-forward networks, which `hidden_act` says.
 *
 *   source = RMS(encoder(token))
 *   logits = RMS(decoder(token, source)) / √D · tableᵀ or W
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L1972-L2592
 */
import type { Architecture, GraphWriters } from '../architecture.ts';
import { readConfig } from '../config/config-reader.ts';
import { describeT5, readT5Config, type Sides, type T5Config, type T5Variant } from '../config/t5-config.ts';
import { adoptTableRows } from '../config/transformer-config.ts';
import { fullAttention } from '../layers/attention.ts';
import { bucketedBias } from '../layers/bucketed-positions.ts';
import { cachedDecoderAttention, twoSidedInputs } from '../layers/encoder-decoder-cache.ts';
import { readRows } from '../layers/heads.ts';
import { attentionBias, hiddenBias } from '../layers/masks.ts';
import { t5Layers } from '../layers/t5-layers.ts';
import {
  type DecoderAttention,
  decoderLogits,
  decoderOutput,
  decoderStack,
  encoderStack,
  positionTable,
} from '../layers/t5-stacks.ts';
import { outputStepLogits } from '../layers/top-tokens.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, greater } from '../ops/elementwise.ts';
import { extentOf, unsqueeze } from '../ops/layout.ts';
import { range } from '../ops/linear.ts';

const GRAPHS: Readonly<Record<Sides, GraphWriters<T5Config>>> = {
  both: { model: writeWhole, encoder: writeEncoder, decoder: writeDecoder, step: writeStep },
  encoder: { model: writeEncoder },
  decoder: { model: writeDecoder },
};

/** The first T5. */
export const t5 = t5Architecture('t5.1.0', { sides: 'both', tiedLogits: true });
/** Its encoder. */
export const t5Encoder = t5Architecture('t5.1.0_encoder', { sides: 'encoder', tiedLogits: true });
/** Its decoder. */
export const t5Decoder = t5Architecture('t5.1.0_decoder', { sides: 'decoder', tiedLogits: true });
/** T5 1.1. */
export const t5v11 = t5Architecture('t5.1.1', { sides: 'both', tiedLogits: false });
/** The encoder of T5 1.1. */
export const t5v11Encoder = t5Architecture('t5.1.1_encoder', { sides: 'encoder', tiedLogits: false });
/** The decoder of T5 1.1. */
export const t5v11Decoder = t5Architecture('t5.1.1_decoder', { sides: 'decoder', tiedLogits: false });
/** Multilingual T5. */
export const mt5 = t5Architecture('mt5.1.1', { sides: 'both', tiedLogits: false });
/** Its encoder. */
export const mt5Encoder = t5Architecture('mt5.1.1_encoder', { sides: 'encoder', tiedLogits: false });
/** Its decoder. */
export const mt5Decoder = t5Architecture('mt5.1.1_decoder', { sides: 'decoder', tiedLogits: false });

function t5Architecture(name: string, variant: T5Variant): Architecture<T5Config> {
  return {
    name,
    parseConfig(config, keywords) {
      const read = readConfig('T5 configuration', config, keywords);
      const parsed = readT5Config(read, variant);
      read.finish();
      return parsed;
    },
    adoptShapes: (config, found) => ({ ...adoptTableRows(config, found), segmentVocabSize: config.segmentVocabSize }),
    layers: t5Layers,
    graphs: GRAPHS[variant.sides],
    describe: config => describeT5(config, name.startsWith('mt5') ? 'mt5' : 't5'),
  };
}

/** From the ids of both sides to what the decoder says of every row. */
function writeWhole(g: GraphBuilder, config: T5Config): void {
  const tokens = g.input('input_ids', 'int64', ['B', config.sequenceLength ?? 'S']);
  const target = g.input('decoder_input_ids', 'int64', ['B', config.sequenceLength ?? 'T']);
  const mask = attentionBias(g.at('source'), { tokens }, { visibility: 'padding', segmentPadding: false }); // [B, 1, 1, S]
  writeDecoded(g, config, { target, source: encoderStack(g, config, tokens), mask });
}

function writeEncoder(g: GraphBuilder, config: T5Config): void {
  const tokens = g.input('input_ids', 'int64', ['B', config.sequenceLength ?? 'S']);
  g.output('last_hidden_state', encoderStack(g, config, tokens)); // [B, S, D]
}

/** The decoder by itself does not know which rows of the source are padding: its caller says so. */
function writeDecoder(g: GraphBuilder, config: T5Config): void {
  const length = config.sequenceLength ?? 'S';
  const target = g.input('input_ids', 'int64', ['B', config.sequenceLength ?? 'T']);
  const source = g.input('encoder_hidden_states', 'float32', ['B', length, config.hiddenSize]);
  const seen = g.input('encoder_attention_mask', 'int64', ['B', length]);
  const at = g.at('source');
  const mask = unsqueeze(at, hiddenBias(at, greater(at, seen, g.constant('int64', [0]))), 1, 2); // [B, 1, 1, S]
  writeDecoded(g, config, { target, source, mask });
}

/** What decoders make of ids [B, T] and states of the source [B, S, D] behind a mask. */
interface DecoderInputs {
  readonly target: Value;
  readonly source: Value;
  /** [B, 1, 1, S] */
  readonly mask: Value;
}

function writeDecoded(g: GraphBuilder, config: T5Config, inputs: DecoderInputs): void {
  const x = decoderStack(g, config, { ...inputs, tokens: inputs.target }, wholeAttention(g, config, inputs));
  const output = decoderOutput(g, config, x); // [B, T, D]
  if (config.withLm === null) g.output('last_hidden_state', output);
  else g.output('logits', decoderLogits(g, config, output)); // [B, T, V]
}

/** Attention within whole sequences. */
function wholeAttention(
  root: GraphBuilder,
  config: T5Config,
  { target, source, mask }: DecoderInputs,
): DecoderAttention {
  const g = root.at('Decoder');
  const causal = attentionBias(g, { tokens: target }, { visibility: 'causal', segmentPadding: false }); // [B, 1, T, T]
  const table = positionTable(config, 'Decoder');
  const queries = range(g.at('target'), extentOf(g.at('target'), target, 1)); // [T]
  const keys = range(g.at('source'), extentOf(g.at('source'), source, 1)); // [S]
  const own = bucketedBias(g.at('Relative-Position'), table, { queries, keys: queries }); // [N, T, T]
  const toSource = config.crossPositionBias
    ? add(g.at('source'), mask, bucketedBias(g.at('Cross-Relative-Position'), table, { queries, keys })) // [B, N, T, S]
    : mask;
  const cross = fullAttention(toSource);
  return {
    ...fullAttention(add(g.at('target'), causal, own)),
    attendSource: (at, layer, query, heads) => cross.attend(at, layer, { query, ...heads }, undefined).context,
  };
}

function writeStep(g: GraphBuilder, config: T5Config): void {
  const inputs = twoSidedInputs(g);
  const source = encoderStack(g, config, inputs.source); // [B, S, D]
  const table = positionTable(config, 'Decoder');
  const attention = cachedDecoderAttention(g, config, inputs, { table, cross: config.crossPositionBias });
  const x = decoderStack(g, config, { tokens: inputs.target, source }, attention); // [B, R, D]
  const output = decoderOutput(g, config, readRows(g, x, inputs.logitRows)); // [B, K, D]
  outputStepLogits(g, decoderLogits(g, config, output)); // [B, K, V]
}
