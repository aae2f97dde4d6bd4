/**
 * `bert4ort convert`: a checkpoint and its configuration become a model directory.
 */
import { type Conversion, convert } from '../../converters/index.ts';
import type { Manifest } from '../core/manifest.ts';
import { directorySink } from '../io/directory-sink.ts';
import { splitPath } from '../io/file-source.ts';
import { keywordFlags, keywordsOf } from './build-keywords.ts';
import { type Command, EXIT, type Flags, jsonFlag, type Parsed } from './command.ts';
import { taskFlags, taskSettings } from './decoding-flags.ts';
import { readBytes } from './read-input.ts';
import { readingLengthFlags, readingLengths } from './reading-flags.ts';
import { printNotice, printResult, progressBars } from './terminal.ts';
import { tokenizerFlags, tokenizerSource } from './tokenizer-flags.ts';

const flags = {
  config: { type: 'string', demandOption: true, describe: 'bert_config.json' },
  checkpoint: {
    type: 'string',
    demandOption: true,
    describe: 'TF bundle (prefix or .index), Keras HDF5, or a bare best_model.weights: its content decides',
  },
  out: { type: 'string', demandOption: true, describe: 'the model directory to write' },
  ...tokenizerFlags,
  ...keywordFlags,
  ...taskFlags,
  ...readingLengthFlags,
  link: { type: 'boolean', describe: "hard-link the checkpoint's data instead of copying it" },
  verify: { type: 'boolean', default: true, describe: 'check the checksums of tensor data (--no-verify)' },
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
  ],
  run: runConvert,
};

async function runConvert(options: Options, signal: AbortSignal): Promise<number> {
  const bars = progressBars(!options.json);
  try {
    const conversion = await convert(
      {
        checkpoint: await splitPath(options.checkpoint),
        config: await readBytes(options.config),
        keywords: await keywordsOf(options),
        ...(options.vocab === undefined ? {} : { tokenizer: await tokenizerSource(options, options.vocab) }),
        tasks: { ...taskSettings(options), ...answerSettings(options) },
        link: options.link ?? false,
        verify: options.verify,
        signal,
        onProgress: bars.listener,
      },
      await directorySink(options.out, { overwrite: options.overwrite }),
    );
    bars.stop();
    report(options, conversion);
    return EXIT.done;
  } finally {
    bars.stop();
  }
}

function answerSettings(options: Options): Manifest['tasks'] {
  const lengths = readingLengths(options);
  return Object.keys(lengths).length === 0 ? {} : { answer: lengths };
}

function report(options: Options, { manifest, scheme, unused, allowed }: Conversion): void {
  if (options.json) {
    const { architecture, application, dimensions } = manifest;
    printResult(JSON.stringify({ out: options.out, architecture, application, dimensions, scheme, unused, allowed }));
    return;
  }
  for (const line of allowed) printNotice(`allowed: ${line}`);
  if (unused.length > 0)
    printNotice(
      `not used by this model: ${unused.length} tensors (${unused.slice(0, 3).join(', ')}${unused.length > 3 ? ', …' : ''})`,
    );
  const { layers, hidden, vocabSize } = manifest.dimensions;
  printResult(
    `${options.out}: ${manifest.architecture} (${manifest.application}), ${layers} layers, hidden ${hidden}, ${vocabSize} tokens; names: ${scheme}`,
  );
}
