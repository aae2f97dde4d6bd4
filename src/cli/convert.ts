/**
 * `bert4ort convert`: a checkpoint and its configuration become a model directory.
 */
import { type Conversion, convert, type TokenizerSource } from '../../converters/index.ts';
import { InputError } from '../core/errors.ts';
import type { Json } from '../core/manifest.ts';
import { directorySink } from '../io/directory-sink.ts';
import { splitPath } from '../io/file-source.ts';
import { keywordFlags, keywordsOf } from './build-keywords.ts';
import { type Command, EXIT, type Flags, jsonFlag, MisuseError, type Parsed } from './command.ts';
import { parseJson, readBytes, readJson } from './read-input.ts';
import { printNotice, printResult, progressBars } from './terminal.ts';

const TOKENIZER = 'Tokenizer:';

const flags = {
  config: { type: 'string', demandOption: true, describe: 'bert_config.json' },
  checkpoint: {
    type: 'string',
    demandOption: true,
    describe: 'TF bundle (prefix or .index), Keras HDF5, or a bare best_model.weights: its content decides',
  },
  out: { type: 'string', demandOption: true, describe: 'the model directory to write' },
  vocab: { type: 'string', group: TOKENIZER, describe: 'vocab.txt, or a SentencePiece .model' },
  'compound-names': { type: 'string', group: TOKENIZER, describe: 'JSON file: names of the appended tokens' },
  'do-lower-case': {
    type: 'boolean',
    group: TOKENIZER,
    describe: 'lower-case text (default; --no-do-lower-case)',
  },
  'word-maxlen': { type: 'number', group: TOKENIZER, describe: 'longest word that is cut, in characters' },
  'token-start': { type: 'string', group: TOKENIZER, describe: 'start token; empty for none' },
  'token-end': { type: 'string', group: TOKENIZER, describe: 'end token; empty for none' },
  'pre-tokenize': { type: 'string', choices: ['jieba'], group: TOKENIZER, describe: 'cut words first (CPM)' },
  'token-translate': { type: 'string', group: TOKENIZER, describe: 'JSON object: token → token' },
  ...keywordFlags,
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

async function tokenizerSource(options: Options, vocab: string): Promise<TokenizerSource> {
  const bytes = await readBytes(vocab);
  const ends = { ...namedToken('tokenStart', options.tokenStart), ...namedToken('tokenEnd', options.tokenEnd) };
  if (isSentencePiece(bytes)) {
    refuseFor('a SentencePiece model', {
      '--compound-names': options.compoundNames,
      '--word-maxlen': options.wordMaxlen,
      '--do-lower-case': options.doLowerCase,
    });
    const translate =
      options.tokenTranslate === undefined ? {} : { tokenTranslate: translations(options.tokenTranslate) };
    const cut = options.preTokenize === undefined ? {} : { preTokenize: 'jieba' as const };
    return { kind: 'sentencepiece', model: bytes, ...ends, ...cut, ...translate };
  }
  refuseFor('a vocab.txt', { '--pre-tokenize': options.preTokenize, '--token-translate': options.tokenTranslate });
  return {
    kind: 'wordpiece',
    vocab: bytes,
    ...ends,
    ...(options.doLowerCase === undefined ? {} : { doLowerCase: options.doLowerCase }),
    ...(options.wordMaxlen === undefined ? {} : { wordMaxLen: options.wordMaxlen }),
    ...(options.compoundNames === undefined
      ? {}
      : { compoundNames: names(await readJson(options.compoundNames), options.compoundNames) }),
  };
}

/** A model file opens with field 1, a message, whose first bytes are no text; a vocabulary has no NUL or control bytes. */
function isSentencePiece(bytes: Uint8Array): boolean {
  return bytes[0] === 0x0a && bytes.subarray(0, 64).includes(0x15);
}

function namedToken(name: 'tokenStart' | 'tokenEnd', token: string | undefined) {
  return token === undefined ? {} : { [name]: token === '' ? null : token };
}

function refuseFor(what: string, options: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(options).filter(name => options[name] !== undefined);
  if (given.length > 0)
    throw new MisuseError({ what: given.join(', '), found: `an option that does not apply to ${what}` });
}

function translations(text: string): Record<string, string> {
  const value = parseJson(text, '--token-translate');
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  const pairs = entries.flatMap(([from, to]) => (typeof to === 'string' ? [[from, to] as const] : []));
  if (pairs.length === 0 || pairs.length < entries.length) {
    throw new InputError({ what: '--token-translate', expected: 'a JSON object of strings', found: text });
  }
  return Object.fromEntries(pairs);
}

function names(value: Json, file: string): readonly string[] {
  if (Array.isArray(value) && value.every(entry => typeof entry === 'string')) return value;
  throw new InputError({ what: 'names of appended tokens', file, expected: 'a JSON list of strings' });
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
