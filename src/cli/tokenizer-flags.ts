/**
 * Flags that describe a tokenizer: for `convert`, which writes it into the model directory, and for `tokenize`, which can
 * try one before there is a model.
 */
import type { TokenizerSource } from '../../converters/index.ts';
import { InputError } from '../core/errors.ts';
import type { Json } from '../core/manifest.ts';
import { type Flags, MisuseError, type Parsed } from './command.ts';
import { parseJson, readBytes, readJson } from './read-input.ts';

const TOKENIZER = 'Tokenizer:';

/** Settings of a tokenizer, whichever file it is read from. */
export const tokenizerSettingFlags = {
  'compound-names': { type: 'string', group: TOKENIZER, describe: 'JSON file: names of the appended tokens' },
  'do-lower-case': {
    type: 'boolean',
    group: TOKENIZER,
    describe: 'lower-case text (default; --no-do-lower-case)',
  },
  'word-maxlen': { type: 'number', group: TOKENIZER, describe: 'longest word that is cut, in characters' },
  'token-start': { type: 'string', group: TOKENIZER, describe: 'start token; empty for none' },
  'token-end': { type: 'string', group: TOKENIZER, describe: 'end token; empty for none' },
  'pre-tokenize': {
    type: 'string',
    choices: ['jieba'],
    group: TOKENIZER,
    describe: 'cut words first (CPM, models over words)',
  },
  'token-translate': { type: 'string', group: TOKENIZER, describe: 'JSON object: token → token' },
} as const satisfies Flags;

/** The same with the file itself. */
export const tokenizerFlags = {
  vocab: { type: 'string', group: TOKENIZER, describe: 'vocab.txt, or a SentencePiece .model' },
  ...tokenizerSettingFlags,
} as const satisfies Flags;

/** A tokenizer for `convert` from the file `vocab`. @throws MisuseError for settings that its kind does not have. */
export async function tokenizerSource(
  options: Parsed<typeof tokenizerSettingFlags>,
  vocab: string,
): Promise<TokenizerSource> {
  const bytes = await readBytes(vocab);
  const cut = options.preTokenize === undefined ? {} : { preTokenize: 'jieba' as const };
  const ends = { ...namedToken('tokenStart', options.tokenStart), ...namedToken('tokenEnd', options.tokenEnd) };
  if (isSentencePiece(bytes)) {
    refuseFor('a SentencePiece model', {
      '--compound-names': options.compoundNames,
      '--word-maxlen': options.wordMaxlen,
      '--do-lower-case': options.doLowerCase,
    });
    const translate =
      options.tokenTranslate === undefined ? {} : { tokenTranslate: translations(options.tokenTranslate) };
    return { kind: 'sentencepiece', model: bytes, ...ends, ...cut, ...translate };
  }
  refuseFor('a vocab.txt', { '--token-translate': options.tokenTranslate });
  return {
    kind: 'wordpiece',
    vocab: bytes,
    ...ends,
    ...cut,
    ...(options.doLowerCase === undefined ? {} : { doLowerCase: options.doLowerCase }),
    ...(options.wordMaxlen === undefined ? {} : { wordMaxLen: options.wordMaxlen }),
    ...(options.compoundNames === undefined
      ? {}
      : { compoundNames: names(await readJson(options.compoundNames), options.compoundNames) }),
  };
}

/** Which settings were given, by their flags' names. */
export function givenTokenizerSettings(options: Parsed<typeof tokenizerSettingFlags>): string[] {
  return Object.keys(tokenizerSettingFlags).flatMap(name => (options[name] === undefined ? [] : `--${name}`));
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
