/**
 * `bert4ort convert`: a checkpoint and its configuration become a model directory.
 */
import {
  type Conversion,
  type ConvertOptions,
  convert,
  findPreset,
  listPresets,
  withPreset,
} from '../../converters/index.ts';
import type { Manifest } from '../core/manifest.ts';
import { directorySink } from '../io/directory-sink.ts';
import { splitPath } from '../io/file-source.ts';
import { keywordFlags, keywordsOf } from './build-keywords.ts';
import { type Command, EXIT, type Flags, jsonFlag, MisuseError, type Parsed } from './command.ts';
import { given, taskFlags, taskSettings } from './decoding-flags.ts';
import { readBytes } from './read-input.ts';
import { readingLengthFlags, readingLengths } from './reading-flags.ts';
import { formatTable, printNotice, printResult, progressBars } from './terminal.ts';
import { tokenizerFlags, tokenizerSource } from './tokenizer-flags.ts';

const flags = {
  config: { type: 'string', describe: 'bert_config.json, or model.config of a cloze reader' },
  checkpoint: {
    type: 'string',
    describe: 'TF bundle (prefix or .index), Keras HDF5, or a bare best_model.weights: its content decides',
  },
  out: { type: 'string', describe: 'the model directory to write' },
  preset: { type: 'string', describe: 'keywords, tokenizer and settings of a published checkpoint (--list-presets)' },
  'list-presets': { type: 'boolean', default: false, describe: 'list the presets' },
  ...tokenizerFlags,
  ...keywordFlags,
  ...taskFlags,
  ...readingLengthFlags,
  link: { type: 'boolean', describe: "hard-link the checkpoint's data instead of copying it" },
  verify: { type: 'boolean', default: true, describe: 'check the checksums of tensor data (--no-verify)' },
  sha256: { type: 'boolean', default: false, describe: 'record the SHA-256 of weights, for models to be fetched' },
  overwrite: { type: 'boolean', default: false, describe: 'replace a model directory that is there' },
  ...jsonFlag,
} as const satisfies Flags;

type Options = Parsed<typeof flags>;

/** The command. */
export const convertCommand: Command<typeof flags> = {
  command: 'convert',
  describe: 'Convert a TensorFlow or Keras checkpoint to a model directory',
  flags,
  examples: [
    [
      '$0 convert --config bert_config.json --checkpoint best_model.weights --vocab vocab.txt --model bert --application unilm --out qa',
      'a seq2seq model trained with bert4keras',
    ],
    [
      '$0 convert --preset nezha-chat --config config.json --checkpoint model.ckpt --vocab vocab.txt --out chat',
      'a published checkpoint, with the keywords and settings of its own program',
    ],
  ],
  run: runConvert,
};

async function runConvert(options: Options, signal: AbortSignal): Promise<number> {
  if (options.listPresets) {
    printPresets(options.json);
    return EXIT.done;
  }
  const { config, checkpoint, out } = options;
  if (config === undefined || checkpoint === undefined || out === undefined) {
    const required = { '--config': config, '--checkpoint': checkpoint, '--out': out };
    const present = Object.keys(given(required));
    const found = present.length === 0 ? 'none of them' : `only ${present.join(' and ')}`;
    throw new MisuseError({ what: 'convert', expected: Object.keys(required).join(', '), found });
  }
  const bars = progressBars(!options.json);
  try {
    const { link = false, verify, sha256 } = options;
    const controls = { link, verify, sha256, signal, onProgress: bars.listener };
    const source = { checkpoint: await splitPath(checkpoint), config: await readBytes(config), configName: config };
    const request = await conversionOf(options, { ...source, ...controls });
    const conversion = await convert(request, await directorySink(out, { overwrite: options.overwrite }));
    bars.stop();
    report(options, conversion);
    return EXIT.done;
  } finally {
    bars.stop();
  }
}

/** What to convert: the flags, over a preset where one is named. */
async function conversionOf(
  options: Options,
  source: Omit<ConvertOptions, 'keywords' | 'tokenizer' | 'tasks'>,
): Promise<ConvertOptions> {
  const { preset, vocab } = options;
  const keywords = await keywordsOf(options);
  const tokenizer = vocab === undefined ? undefined : await tokenizerSource(options, vocab);
  if (preset === undefined) {
    const tasks = { ...taskSettings(options), ...answerSettings(options) };
    return { ...source, keywords, tasks, ...(tokenizer === undefined ? {} : { tokenizer }) };
  }
  const writing = taskSettings(options, Object.keys(findPreset(preset).tasks));
  const tasks = { ...withoutDraws(writing), ...answerSettings(options) };
  if (tokenizer === undefined) return withPreset(preset, { ...source, keywords, tasks });
  const { kind, ...rest } = tokenizer;
  const {
    vocab: bytes = new Uint8Array(),
    model = bytes,
    ...settings
  } = { vocab: undefined, model: undefined, ...rest };
  return withPreset(preset, {
    ...source,
    keywords,
    tasks,
    vocab: kind === 'wordpiece' ? bytes : model,
    tokenizer: settings,
  });
}

/** A strategy given by flag takes away what a preset says about draws, which might not apply to it. */
function withoutDraws(tasks: Manifest['tasks']): Manifest['tasks'] {
  const entries = Object.entries(tasks).map(([task, settings]) => {
    return [task, settings['strategy'] === undefined ? settings : { topK: null, topP: null, ...settings }] as const;
  });
  return Object.fromEntries(entries);
}

function printPresets(json: boolean): void {
  const presets = listPresets().map(({ name, describe, link }) => ({ name, describe, link }));
  const rows = presets.map(({ name, describe, link }) => [name, describe, link]);
  printResult(json ? JSON.stringify(presets) : formatTable(['preset', 'what it converts', 'published at'], rows));
}

function answerSettings(options: Options): Manifest['tasks'] {
  const lengths = readingLengths(options);
  return Object.keys(lengths).length === 0 ? {} : { answer: lengths };
}

function report(options: Options, { manifest, scheme, unused, allowed, spareRows }: Conversion): void {
  if (options.json) {
    const { architecture, application, dimensions } = manifest;
    const found = { scheme, unused, allowed, spareRows };
    printResult(JSON.stringify({ out: options.out, architecture, application, dimensions, ...found }));
    return;
  }
  for (const line of allowed) printNotice(`allowed: ${line}`);
  if (unused.length > 0)
    printNotice(
      `not used by this model: ${unused.length} tensors (${unused.slice(0, 3).join(', ')}${unused.length > 3 ? ', …' : ''})`,
    );
  const { layers, hidden, vocabSize } = manifest.dimensions;
  if (spareRows > 0) printNotice(`the vocabulary has no token for the last ${spareRows} of ${vocabSize} rows`);
  printResult(
    `${options.out}: ${manifest.architecture} (${manifest.application}), ${layers} layers, hidden ${hidden}, ${vocabSize} tokens; ${scheme}`,
  );
}
