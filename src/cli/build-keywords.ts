/**
 * Every keyword of bert4keras' `build_transformer_model` as a flag in kebab-case, and the flags turned back into keywords.
 * A flag that may stand alone or carry a value (`--with-mlm`, `--with-mlm linear`) is a string that is empty when bare.
 */
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import type { Json } from '../core/manifest.ts';
import type { Flags, Parsed } from './command.ts';
import { parseJson, readJson } from './read-input.ts';

const GROUP = "Keywords of bert4keras' build_transformer_model:";

/** The flags. */
export const keywordFlags = {
  model: {
    type: 'string',
    group: GROUP,
    describe:
      'architecture: bert, albert, electra, nezha, roformer, roformer_v2, gpt, gpt2, gpt2_ml, t5.1.0, t5.1.1, mt5.1.1 (_encoder, _decoder), cloze-bilstm',
  },
  application: {
    type: 'string',
    group: GROUP,
    choices: ['encoder', 'lm', 'unilm'],
    describe:
      'what a token sees: all (encoder), what stands before it (lm), the source and what stands before it (unilm)',
  },
  gelu: { type: 'string', group: GROUP, choices: ['erf', 'tanh'], describe: 'what set_gelu was given' },
  'with-pool': { type: 'string', group: GROUP, describe: 'pooler; bare, or an activation' },
  'with-nsp': { type: 'boolean', group: GROUP, describe: 'next-sentence head' },
  'with-mlm': {
    type: 'string',
    group: GROUP,
    describe: 'masked-token head; bare, or an activation (linear)',
  },
  'with-discriminator': { type: 'string', group: GROUP, describe: 'head of ELECTRA; bare, or an activation' },
  'with-lm': { type: 'string', group: GROUP, describe: 'head of T5: false, or an activation' },
  'cross-position-bias': { type: 'boolean', group: GROUP, describe: 'T5: positions in attention to the source (true)' },
  'final-activation': { type: 'string', group: GROUP, describe: 'activation of a GPT head' },
  'keep-tokens': { type: 'string', group: GROUP, describe: 'JSON file: rows of the token table to keep' },
  'compound-tokens': { type: 'string', group: GROUP, describe: 'JSON file: rows to append' },
  'segment-vocab-size': { type: 'number', group: GROUP, describe: '0 removes the segment input' },
  'shared-segment-embeddings': { type: 'boolean', group: GROUP, describe: 'segments use the token table' },
  'hierarchical-position': { type: 'string', group: GROUP, describe: 'bare (0.4), or alpha' },
  'custom-position-ids': { type: 'boolean', group: GROUP, describe: 'take position_ids as an input' },
  'max-position': { type: 'number', group: GROUP, describe: 'rows of the position table' },
  'sequence-length': { type: 'number', group: GROUP, describe: 'fixed length of the input' },
  'residual-attention-scores': {
    type: 'boolean',
    group: GROUP,
    describe: 'add the scores of the layer before',
  },
  prefix: { type: 'string', group: GROUP, describe: 'prefix of Keras layer names' },
  'ignore-invalid-weights': {
    type: 'boolean',
    group: GROUP,
    describe: 'go on without weights that do not fit',
  },
  keyword: {
    type: 'string',
    array: true,
    default: [],
    group: GROUP,
    describe: 'any other one: name=json',
  },
} as const satisfies Flags;

/** The keywords in their Python spelling, files read. @throws FormatError, IoError for unreadable token lists. */
export async function keywordsOf(flags: Parsed<typeof keywordFlags>): Promise<JsonObject> {
  const keywords: Record<string, Json | undefined> = {
    model: flags.model,
    application: flags.application,
    gelu: flags.gelu,
    with_pool: bareOrValue(flags.withPool),
    with_nsp: flags.withNsp,
    with_mlm: bareOrValue(flags.withMlm),
    with_discriminator: bareOrValue(flags.withDiscriminator),
    with_lm: bareOrValue(flags.withLm),
    cross_position_bias: flags.crossPositionBias,
    final_activation: flags.finalActivation,
    keep_tokens: flags.keepTokens === undefined ? undefined : await readJson(flags.keepTokens),
    compound_tokens: flags.compoundTokens === undefined ? undefined : await readJson(flags.compoundTokens),
    segment_vocab_size: flags.segmentVocabSize,
    shared_segment_embeddings: flags.sharedSegmentEmbeddings,
    hierarchical_position: bareOrValue(flags.hierarchicalPosition),
    custom_position_ids: flags.customPositionIds,
    max_position: flags.maxPosition,
    sequence_length: flags.sequenceLength,
    residual_attention_scores: flags.residualAttentionScores,
    prefix: flags.prefix,
    ignore_invalid_weights: flags.ignoreInvalidWeights,
  };
  for (const entry of flags.keyword) {
    const equals = entry.indexOf('=');
    const name = equals < 0 ? entry : entry.slice(0, equals);
    keywords[name] = equals < 0 ? true : parseJson(entry.slice(equals + 1), `--keyword ${name}`);
  }
  const given = Object.entries(keywords).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(given);
}

/** `--flag` → true, `--flag 0.4` → 0.4, `--flag linear` → "linear". */
function bareOrValue(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  if (text === '' || text === 'true') return true;
  if (text === 'false') return false;
  return Number.isNaN(Number(text)) ? text : Number(text);
}
