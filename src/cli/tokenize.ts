/**
 * `bert4ort tokenize`: tokens, ids, segments and offsets of texts, under a model's tokenizer or a vocabulary file alone.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../core/errors.ts';
import type { TokenizerEntry } from '../core/manifest.ts';
import { statIfAny } from '../io/file-access.ts';
import { tokenizerOf } from '../model.ts';
import { loadModel } from '../node.ts';
import { createTokenizer } from '../tokenizers/index.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import { type Command, EXIT, type Flags, jsonFlag, MisuseError, type Parsed } from './command.ts';
import { answerLines, inputFlags, type JsonLine, LINES_AT_ONCE, textField } from './json-lines.ts';
import { readBytes } from './read-input.ts';
import { formatTable, printResult } from './terminal.ts';
import { givenTokenizerSettings, tokenizerSettingFlags, tokenizerSource } from './tokenizer-flags.ts';

const flags = {
  second: { type: 'string', describe: 'second text of a pair' },
  'max-len': { type: 'number', describe: 'longest result, in tokens' },
  ...inputFlags,
  ...tokenizerSettingFlags,
  ...jsonFlag,
} as const satisfies Flags;

type Options = Parsed<typeof flags>;

/** The command. */
export const tokenizeCommand: Command<typeof flags> = {
  command: 'tokenize <path> [text...]',
  describe: 'Show tokens, ids and offsets of texts, under a model, a vocab.txt or a SentencePiece .model',
  flags,
  examples: [
    ['$0 tokenize models/qa 今天天气不错', 'a table'],
    ['$0 tokenize vocab.txt --input texts.jsonl', 'JSON Lines: {id, text, second?}'],
  ],
  run: runTokenize,
};

async function runTokenize(options: Options, signal: AbortSignal): Promise<number> {
  const texts = Array.isArray(options['text']) ? options['text'].map(String) : [];
  const { input, concurrency = LINES_AT_ONCE.reading, json } = options;
  if ((texts.length === 0) === (input === undefined)) {
    throw new MisuseError({ what: 'tokenize', expected: 'texts, or --input FILE, and not both' });
  }
  const tokenizer = await openTokenizer(String(options['path']), options);
  if (input !== undefined) {
    const answer = async (item: JsonLine) =>
      analyse(tokenizer, textField(item, 'text'), secondOf(item, options), options);
    return answerLines({ input, concurrency, answer, signal, json });
  }
  for (const text of texts) {
    const analysis = analyse(tokenizer, text, options.second, options);
    printResult(options.json ? JSON.stringify(analysis) : analysisText(text, analysis));
  }
  return EXIT.done;
}

async function openTokenizer(place: string, options: Options): Promise<Tokenizer> {
  if ((await statIfAny(place))?.isDirectory()) {
    const given = givenTokenizerSettings(options);
    if (given.length > 0)
      throw new MisuseError({ what: given.join(', '), found: 'a model, which has its own settings' });
    return tokenizerOf(await loadModel(place));
  }
  const readAsset = (address: URL) => readBytes(fileURLToPath(address));
  return createTokenizer(await entryOf(place, options), readBytes, readAsset);
}

/** The manifest's entry for a file, with the settings that `convert` would write. */
async function entryOf(file: string, options: Options): Promise<TokenizerEntry> {
  if (options.compoundNames !== undefined) {
    throw new MisuseError({ what: '--compound-names', found: 'a vocabulary file, which is used as it is' });
  }
  const source = await tokenizerSource(options, path.normalize(file));
  if (source.kind === 'sentencepiece') {
    const { preTokenize = null, tokenTranslate = {}, tokenStart = null, tokenEnd = null } = source;
    return { kind: 'sentencepiece', model: file, preTokenize, tokenTranslate, tokenStart, tokenEnd };
  }
  const { doLowerCase = true, wordMaxLen = 200, tokenStart = '[CLS]', tokenEnd = '[SEP]', preTokenize = null } = source;
  return { kind: 'wordpiece', vocab: file, doLowerCase, wordMaxLen, tokenStart, tokenEnd, preTokenize };
}

/** What is said about a text. */
interface Analysis {
  readonly tokens: readonly string[];
  readonly token_ids: readonly number[];
  readonly segment_ids: readonly number[];
  /** Per token of a single text, first and one past its last character, in code points; null for special tokens. */
  readonly offsets?: readonly (readonly [start: number, end: number] | null)[];
}

function analyse(tokenizer: Tokenizer, text: string, second: string | undefined, { maxLen }: Options): Analysis {
  const { tokenIds, segmentIds } = tokenizer.encode(text, second, { maxLen });
  const encoded = { token_ids: tokenIds, segment_ids: segmentIds };
  const tokens = second === undefined ? tokenizer.tokenize(text, maxLen) : tokenIds.map(id => tokenizer.idToToken(id));
  if (second !== undefined || !canRematch(tokenizer)) return { tokens, ...encoded };
  const offsets = tokenizer.rematch(text, tokens).map(at => {
    const [first, last] = [at[0], at.at(-1)];
    return first === undefined || last === undefined ? null : ([first, last + 1] as const);
  });
  return { tokens, ...encoded, offsets };
}

interface Rematching {
  rematch(text: string, tokens: readonly string[]): number[][];
}

function canRematch(tokenizer: Tokenizer): tokenizer is Tokenizer & Rematching {
  return 'rematch' in tokenizer;
}

function analysisText(text: string, { tokens, token_ids, segment_ids, offsets }: Analysis): string {
  const characters = [...text];
  const rows = tokens.map((token, i) => {
    const span = offsets?.[i];
    const origin = span ? `${span[0]}–${span[1]} ${characters.slice(span[0], span[1]).join('')}` : '';
    return [i, token, token_ids[i] ?? '', segment_ids[i] ?? '', origin];
  });
  return formatTable(['', 'token', 'id', 'segment', 'characters'], rows);
}

function secondOf(item: JsonLine, options: Options): string | undefined {
  const { second } = item;
  if (second === undefined) return options.second;
  if (typeof second === 'string') return second;
  throw new InputError({ what: 'field "second"', expected: 'a string', found: JSON.stringify(second).slice(0, 60) });
}
