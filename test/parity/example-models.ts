/**
 * The example models, converted with their presets, and their recordings.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { convert, type PresetOptions, withPreset } from '../../converters/index.ts';
import type { Model } from '../../src/model.ts';
import { directorySink, loadModel, splitPath } from '../../src/node.ts';

/** Where an example's files are, and the preset that converts it. */
export interface ExampleModel {
  readonly folder: string;
  readonly preset: string;
  readonly config: string;
  readonly checkpoint: string;
  readonly vocab: string;
}

/** The example models by name. */
export const examples = {
  'chat-nezha': model('chat-nezha', 'nezha-chat', { checkpoint: 'model.ckpt' }),
  'chat-nezha/training': model('chat-nezha', 'nezha-chat', {
    config: 'training/bert_config.json',
    checkpoint: 'training/latest_model.weights',
    vocab: 'training/vocab.txt',
  }),
  'chat-cdial': model('chat-cdial', 'cdial-gpt', { config: 'gpt_config.json', checkpoint: 'gpt_model.ckpt' }),
  'completion-gpt2': model('completion-gpt2', 'cpm-lm', { checkpoint: 'model.ckpt', vocab: 'chinese_vocab.model' }),
  'completion-gpt2ml': model('completion-gpt2ml', 'gpt2-ml', { checkpoint: 'model.ckpt-100000' }),
  'qa-unilm': model('qa-unilm', 'seq2seq-rc', { checkpoint: 'best_model.weights' }),
  'qa-mlm': model('qa-mlm', 'mlm-rc', { checkpoint: 'best_model.weights' }),
} as const satisfies Record<string, ExampleModel>;

/** A recorded forward pass: probabilities at `positions`, base64 of little-endian float32 of `shape`. */
export interface RecordedForward {
  readonly kind: 'forward';
  readonly id: string;
  readonly token_ids: readonly number[];
  readonly segment_ids?: readonly number[];
  readonly positions: readonly number[];
  readonly shape: readonly [number, number];
  readonly probas: string;
}

/** Path of a file of an example. */
export function exampleFile(folder: string, file: string): string {
  return path.resolve(import.meta.dirname, '../../examples/models', folder, file);
}

/** Converts an example with its preset and loads it; `close` gives everything back. */
export async function openExample(
  name: keyof typeof examples,
  more: Partial<PresetOptions> = {},
): Promise<{ model: Model; directory: string; close(): Promise<void> }> {
  const { folder, preset, config, checkpoint, vocab } = examples[name];
  const temporary = await mkdtemp(path.join(tmpdir(), 'bert4ort-example-'));
  const directory = path.join(temporary, 'model');
  const options = {
    checkpoint: await splitPath(exampleFile(folder, checkpoint)),
    config: readFileSync(exampleFile(folder, config)),
    vocab: readFileSync(exampleFile(folder, vocab)),
    ...more,
  };
  await convert(withPreset(preset, options), await directorySink(directory));
  const loaded = await loadModel(directory, { session: { threads: 1 } });
  const close = async () => {
    await loaded.dispose();
    await rm(temporary, { recursive: true });
  };
  return { model: loaded, directory, close };
}

/** Lines of an example's goldens. */
export function goldens<T>(folder: string): readonly (T | RecordedForward)[] {
  return readLines(exampleFile(folder, 'goldens.jsonl')) as (T | RecordedForward)[];
}

/** Parsed lines of a JSON Lines file. */
export function readLines(file: string): readonly unknown[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as unknown);
}

/** Options for {@link openExample} of the training layout: pruned and grown by the program's own lists. */
export function trainingOptions(): Partial<PresetOptions> {
  const json = (file: string) => JSON.parse(readFileSync(exampleFile('chat-nezha', `training/${file}`), 'utf8'));
  const { length } = json('compound_tokens.json');
  const released = readFileSync(exampleFile('chat-nezha', 'vocab.txt'), 'utf8').trimEnd().split('\n');
  return {
    keywords: { keep_tokens: json('keep_tokens.json'), compound_tokens: json('compound_tokens.json') },
    tokenizer: { compoundNames: released.slice(-length) },
  };
}

function model(folder: string, preset: string, files: Partial<ExampleModel> & { checkpoint: string }): ExampleModel {
  return { folder, preset, config: 'config.json', vocab: 'vocab.txt', ...files };
}
