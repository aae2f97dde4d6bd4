/**
 * Published checkpoints and what converts them: the keywords of `build_transformer_model`, the tokenizer and the settings
 * of the task they were made for, as their own programs have them. A preset is data; whatever a user gives goes first.
 * Adding one is one entry of this table.
 */
import type { JsonObject } from '../onnx-graphs/architecture.ts';
import { ConfigError } from '../src/core/errors.ts';
import type { Manifest } from '../src/core/manifest.ts';
import { cpmTokenTranslate } from '../src/tokenizers/sentencepiece/cpm-recipe.ts';
import { createSentencePiece } from '../src/tokenizers/sentencepiece/sentence-piece.ts';
import { loadVocab } from '../src/tokenizers/vocabulary.ts';
import type { ConvertOptions } from './convert.ts';
import { nearestNames } from './nearest-names.ts';
import { type Preset, presets } from './presets-table.ts';
import type { SentencePieceSource, TokenizerSource, WordPieceSource } from './tokenizer-files.ts';

/** What a user gives with a preset: their files, and anything they want otherwise. */
export interface PresetOptions extends Omit<ConvertOptions, 'keywords' | 'tokenizer'> {
  readonly keywords?: JsonObject;
  /** Bytes of `vocab.txt` or of the SentencePiece model. */
  readonly vocab?: Uint8Array;
  /** Settings of the tokenizer in place of the preset's. */
  readonly tokenizer?: Partial<Omit<WordPieceSource, 'kind' | 'vocab'> & Omit<SentencePieceSource, 'kind' | 'model'>>;
}

/** All presets, in the order of their names. */
export function listPresets(): readonly Preset[] {
  return presets;
}

/** The preset of a name. @throws ConfigError naming the nearest ones when there is none. */
export function findPreset(name: string): Preset {
  const preset = presets.find(one => one.name === name);
  if (preset !== undefined) return preset;
  const names = presets.map(one => one.name);
  const near = nearestNames(name, names);
  const next = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : undefined;
  const expected = `one of ${names.join(', ')}`;
  throw new ConfigError({ what: 'preset', expected, found: JSON.stringify(name), ...(next && { next }) });
}

/**
 * Options for `convert`: the preset's, under those given. A null among the keywords or task settings takes a value away.
 * @throws ConfigError for an unknown preset, or for a vocabulary where the configuration holds one; FormatError for a
 * damaged vocabulary.
 * @example
 * await convert(withPreset('nezha-chat', { checkpoint, config, vocab }), await directorySink('models/chat'));
 */
export function withPreset(name: string, options: PresetOptions): ConvertOptions {
  const preset = findPreset(name);
  const { keywords, vocab, tokenizer = {}, tasks = {}, ...rest } = options;
  return {
    ...rest,
    keywords: { ...preset.keywords, ...(vocab === undefined ? {} : keptTokens(preset, vocab)), ...keywords },
    ...(vocab === undefined ? {} : { tokenizer: tokenizerSource(preset, vocab, tokenizer) }),
    tasks: mergeTasks(preset.tasks, tasks),
  };
}

function tokenizerSource(
  { name, tokenizer: settings }: Preset,
  bytes: Uint8Array,
  given: NonNullable<PresetOptions['tokenizer']>,
): TokenizerSource {
  if (settings === null) {
    const expected = 'none: its configuration holds the words';
    throw new ConfigError({ what: `vocabulary of preset ${name}`, expected, found: 'a vocabulary' });
  }
  if (settings.kind === 'wordpiece') return { ...settings, ...given, vocab: bytes };
  const source = { ...settings, ...given, model: bytes };
  if (source.preTokenize !== 'jieba' || source.tokenTranslate !== undefined) return source;
  // The two published model files differ in how they write line ends.
  return { ...source, tokenTranslate: cpmTokenTranslate(createSentencePiece(bytes)) };
}

function keptTokens({ simplified }: Preset, vocab: Uint8Array): JsonObject {
  if (simplified === undefined) return {};
  const { tokenDict, keepTokens = [] } = loadVocab(vocab, { simplified: true, startsWith: simplified });
  const dropped = [...loadVocab(vocab).tokenDict.keys()].filter(token => !tokenDict.has(token));
  // A simplified vocabulary may have kept more special tokens than this program's.
  return dropped.every(token => /^\[.*\]$/.test(token)) ? {} : { keep_tokens: [...keepTokens] };
}

function mergeTasks(tasks: Manifest['tasks'], given: Manifest['tasks']): Manifest['tasks'] {
  const names = [...new Set([...Object.keys(tasks), ...Object.keys(given)])];
  return Object.fromEntries(names.map(name => [name, { ...tasks[name], ...given[name] }]));
}
