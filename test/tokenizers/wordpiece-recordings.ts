/** Replays recordings of bert4keras' `Tokenizer`, entry by entry. */
import type { EncodeOptions } from '../../src/tokenizers/tokenizer.ts';
import {
  createWordPieceTokenizer,
  type WordPieceOptions,
  type WordPieceTokenizer,
} from '../../src/tokenizers/wordpiece/wordpiece-tokenizer.ts';
import { assertRecorded, type Failure, vocabDict } from './text-recordings.ts';

interface TextAnswer {
  readonly tokens: readonly string[];
  readonly ids: readonly number[];
  readonly decode: string | Failure;
  readonly rematch: readonly (readonly number[])[] | Failure;
}

/** tokenizer.json */
export interface TokenizerRecording {
  readonly cases: readonly {
    readonly tag: string;
    readonly text: string;
    readonly out: Readonly<Record<string, TextAnswer>>;
  }[];
}

/** words.json */
export interface WordsRecording {
  readonly words: readonly string[];
  readonly cases: readonly {
    readonly text: string;
    readonly out: { readonly lower: TextAnswer; readonly cased: TextAnswer | 'same as lower' };
  }[];
}

interface PythonOptions {
  readonly token_start?: string | null;
  readonly token_end?: string | null;
  readonly token_translate?: Readonly<Record<string, string>>;
  readonly word_maxlen?: number;
}

interface PythonEncodeArguments {
  readonly maxlen?: number;
  readonly pattern?: string;
  readonly truncate_from?: 'left' | 'right' | number | readonly number[];
}

/** encode.json */
export interface EncodeRecording {
  readonly cases: readonly {
    readonly config: string;
    readonly first: string | readonly string[];
    readonly second: string | readonly string[] | null;
    readonly options?: PythonOptions;
    readonly args: PythonEncodeArguments;
    readonly out: { readonly ids: readonly number[]; readonly segments: readonly number[] } | Failure;
  }[];
  readonly tokenize: readonly {
    readonly config: string;
    readonly text: string;
    readonly maxlen: number | null;
    readonly options?: PythonOptions;
    readonly out: readonly string[] | Failure;
  }[];
}

/** decode.json */
export interface DecodeRecording {
  readonly cases: readonly {
    readonly vocab: string;
    readonly ids: readonly number[];
    readonly out: string | Failure;
  }[];
  readonly tokens: readonly { readonly tokens: readonly string[]; readonly out: string | Failure }[];
  readonly token_to_id: readonly { readonly vocab: string; readonly token: string; readonly id: number }[];
  readonly specials: readonly {
    readonly vocab: string;
    readonly vocab_size: number;
    readonly ids: Readonly<Record<'pad' | 'unk' | 'mask' | 'start' | 'end', number | null>>;
  }[];
}

const tokenizers = new Map<string, WordPieceTokenizer>();

/** The tokenizer of a configuration such as `bert.lower`. */
export function tokenizerOf(config: string, options?: PythonOptions): WordPieceTokenizer {
  const [vocab = '', letterCase] = config.split('.');
  const key = JSON.stringify([config, options]);
  const known = tokenizers.get(key);
  if (known !== undefined) return known;
  const doLowerCase = letterCase === 'lower';
  const made = createWordPieceTokenizer(vocabDict(vocab), { doLowerCase, ...optionsOf(options ?? {}) });
  tokenizers.set(key, made);
  return made;
}

/** Asserts tokens, ids, decoded text and character positions of every text. */
export function replayTokenizer(recording: TokenizerRecording): void {
  for (const { text, tag, out } of recording.cases) {
    for (const [config, answer] of Object.entries(out)) {
      replayText(tokenizerOf(config), text, answer, `${tag} ${config} ${JSON.stringify(text)}`);
    }
  }
}

/**
 * Asserts the same with words in the vocabulary.
 * @param cutWords - the segmenter that the recording was made with.
 */
export function replayWords(recording: WordsRecording, cutWords: (text: string) => Iterable<string>): void {
  const dict = new Map(vocabDict('bert'));
  for (const word of recording.words) dict.set(word, dict.size);
  const options: WordPieceOptions = { preTokenize: cutWords };
  const lower = createWordPieceTokenizer(dict, { ...options, doLowerCase: true });
  const cased = createWordPieceTokenizer(dict, options);
  for (const { text, out } of recording.cases) {
    const label = JSON.stringify(text);
    replayText(lower, text, out.lower, `lower ${label}`);
    replayText(cased, text, out.cased === 'same as lower' ? out.lower : out.cased, `cased ${label}`);
  }
}

/** Asserts ids and segments of every pair, and every cut text. */
export function replayEncode(recording: EncodeRecording): void {
  for (const entry of recording.cases) {
    const { config, first, second, args, out, options } = entry;
    const tokenizer = tokenizerOf(config, options);
    const run = (): object => {
      const { tokenIds, segmentIds } = tokenizer.encode(first, second ?? undefined, argumentsOf(args));
      return { ids: tokenIds, segments: segmentIds };
    };
    assertRecorded(run, out, JSON.stringify(entry));
  }
  for (const entry of recording.tokenize) {
    const tokenizer = tokenizerOf(entry.config, entry.options);
    assertRecorded<readonly string[]>(
      () => tokenizer.tokenize(entry.text, entry.maxlen ?? undefined),
      entry.out,
      JSON.stringify(entry),
    );
  }
}

/** Asserts every decoded text, looked up token and special id. */
export function replayDecode(recording: DecodeRecording): void {
  for (const entry of recording.cases) {
    assertRecorded(() => tokenizerOf(entry.vocab).decode(entry.ids), entry.out, JSON.stringify(entry));
  }
  for (const entry of recording.tokens) {
    assertRecorded(() => tokenizerOf('bert.lower').decode([100], entry.tokens), entry.out, JSON.stringify(entry));
  }
  for (const entry of recording.token_to_id) {
    assertRecorded(() => tokenizerOf(entry.vocab).tokenToId(entry.token), entry.id, JSON.stringify(entry));
  }
  for (const { vocab, vocab_size, ids } of recording.specials) {
    const { vocabSize, ...tokenizer } = tokenizerOf(vocab);
    const found = {
      vocab_size: vocabSize,
      ids: {
        pad: tokenizer.tokenPadId ?? null,
        unk: tokenizer.tokenUnkId ?? null,
        mask: tokenizer.tokenMaskId ?? null,
        start: tokenizer.tokenStartId ?? null,
        end: tokenizer.tokenEndId ?? null,
      },
    };
    assertRecorded(() => found, { vocab_size, ids }, vocab);
  }
}

function replayText(tokenizer: WordPieceTokenizer, text: string, answer: TextAnswer, label: string): void {
  assertRecorded<readonly string[]>(() => tokenizer.tokenize(text), answer.tokens, `tokenize ${label}`);
  assertRecorded<readonly number[]>(() => tokenizer.encode(text).tokenIds, answer.ids, `encode ${label}`);
  assertRecorded<readonly number[]>(() => tokenizer.tokensToIds(answer.tokens), answer.ids, `tokensToIds ${label}`);
  assertRecorded(() => tokenizer.decode(answer.ids), answer.decode, `decode ${label}`);
  assertRecorded(() => tokenizer.rematch(text, answer.tokens), answer.rematch, `rematch ${label}`);
}

function optionsOf(options: PythonOptions): WordPieceOptions {
  return {
    ...(options.token_start !== undefined && { tokenStart: options.token_start }),
    ...(options.token_end !== undefined && { tokenEnd: options.token_end }),
    ...(options.token_translate !== undefined && { tokenTranslate: options.token_translate }),
    ...(options.word_maxlen !== undefined && { wordMaxLen: options.word_maxlen }),
  };
}

function argumentsOf({ maxlen, pattern, truncate_from }: PythonEncodeArguments): EncodeOptions {
  return {
    ...(maxlen !== undefined && { maxLen: maxlen }),
    ...(pattern !== undefined && { pattern }),
    ...(truncate_from !== undefined && { truncateFrom: truncate_from }),
  };
}
