/**
 * The tokenizer's part of a model directory: the vocabulary as the model uses it (pruned and grown like its token table),
 * the manifest's entry, and the files by which Hugging Face's libraries know it.
 */
import { ConfigError } from '../src/core/errors.ts';
import type { SentencePieceEntry, TokenizerEntry, WordPieceEntry } from '../src/core/manifest.ts';
import { parseSentencePieceModel } from '../src/tokenizers/sentencepiece/model-file.ts';
import { byId, loadVocab, saveVocab, type TokenDict } from '../src/tokenizers/vocabulary.ts';
import { huggingFaceFiles } from '../src/tokenizers/wordpiece/hugging-face-files.ts';
import { writeWordList } from '../src/tokenizers/words/word-list-tokenizer.ts';
import type { VocabularyChange } from './vocabulary-change.ts';

/** A `vocab.txt` for bert4keras' `Tokenizer`; settings that are left out have the values of published models. */
export interface WordPieceSource extends Partial<Omit<WordPieceEntry, 'kind' | 'vocab'>> {
  readonly kind: 'wordpiece';
  /** Bytes of the file that goes with the checkpoint, or of the one already pruned and grown. */
  readonly vocab: Uint8Array;
  /** What the tokens that `compound_tokens` appends are called, in order. */
  readonly compoundNames?: readonly string[];
}

/** A SentencePiece model for bert4keras' `SpTokenizer`. */
export interface SentencePieceSource extends Partial<Omit<SentencePieceEntry, 'kind' | 'model'>> {
  readonly kind: 'sentencepiece';
  /** Bytes of the `.model` file. */
  readonly model: Uint8Array;
}

/** Words that texts are cut into beforehand, the first with id 1. */
export interface WordsSource {
  readonly kind: 'words';
  readonly words: readonly string[];
}

/** A tokenizer to put into a model directory. */
export type TokenizerSource = WordPieceSource | SentencePieceSource;

/** Any vocabulary: one that the user gives, or one that the configuration holds. */
export type VocabularySource = TokenizerSource | WordsSource;

/** Files by name, and what the manifest says of them. */
export interface TokenizerFiles {
  readonly entry: TokenizerEntry;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Ids of tokens; absent where texts are not made of them, or only the tokenizer knows them. */
  readonly tokenDict?: TokenDict;
  /** Rows at the end of the token table that no token has. */
  readonly spareRows?: number;
}

/** The token table that the tokenizer has to fit. */
export interface TokenTable {
  /** Rows in the model. */
  readonly rows: number;
  /** Rows in the checkpoint, where a change of vocabulary is still to be applied to them. */
  readonly storedRows?: number | undefined;
  readonly change?: VocabularyChange | undefined;
  readonly maxPositions: number | null;
}

/**
 * Tables are padded to a multiple of 8, 64 or 128 rows, or have a few to spare, so fewer than this many rows may have no
 * token: the table of GPT2-ML's first checkpoint has 21130 for the 21128 of its vocabulary.
 */
const PADDING = 128;

/**
 * Prepares a tokenizer's files.
 * @throws ConfigError when the vocabulary has more tokens than the token table has rows, or fewer by more than padding
 * explains, or when appended tokens have no names.
 */
export function tokenizerFiles(source: VocabularySource, table: TokenTable): TokenizerFiles {
  switch (source.kind) {
    case 'wordpiece':
      return wordPieceFiles(source, table);
    case 'sentencepiece':
      return sentencePieceFiles(source, table);
    case 'words':
      return wordsFiles(source);
  }
}

function wordsFiles({ words }: WordsSource): TokenizerFiles {
  return {
    entry: { kind: 'words', vocab: 'words.txt' },
    files: new Map([['words.txt', encode(writeWordList(words))]]),
  };
}

function wordPieceFiles(source: WordPieceSource, table: TokenTable): TokenizerFiles {
  const { doLowerCase = true, wordMaxLen = 200, tokenStart = '[CLS]', tokenEnd = '[SEP]' } = source;
  const { preTokenize = null } = source;
  const { tokenDict, text } = finalVocabulary(source, table);
  const settings = { doLowerCase, wordMaxLen, tokenStart, tokenEnd };
  const maxPositions = table.maxPositions === null ? {} : { maxPositions: table.maxPositions };
  // Other tools' files have no word for jieba: without it they would make other tokens.
  const described = preTokenize === null ? huggingFaceFiles(tokenDict, { ...settings, ...maxPositions }) : {};
  const others = Object.entries<string>(described);
  return {
    entry: { kind: 'wordpiece', vocab: 'vocab.txt', ...settings, ...(preTokenize !== null && { preTokenize }) },
    files: new Map([['vocab.txt', text], ...others.map(([name, json]) => [name, encode(json)] as const)]),
    tokenDict,
    spareRows: table.rows - tokenDict.size,
  };
}

/** A model may have fewer pieces than the table has rows, as T5's has, whose sentinels are no pieces. */
function sentencePieceFiles(source: SentencePieceSource, { rows }: TokenTable): TokenizerFiles {
  const { preTokenize = null, tokenTranslate = {}, tokenStart = null, tokenEnd = null } = source;
  const { pieces } = parseSentencePieceModel(source.model);
  if (pieces.length > rows) {
    throw new ConfigError({
      what: 'vocabulary',
      expected: `at most ${rows} pieces, one for each row of the token table`,
      found: `${pieces.length} pieces`,
      next: 'Give the model that goes with the checkpoint; after keep_tokens, the one that was reduced with it.',
    });
  }
  return {
    entry: { kind: 'sentencepiece', model: 'spiece.model', preTokenize, tokenTranslate, tokenStart, tokenEnd },
    files: new Map([['spiece.model', source.model]]),
    spareRows: rows - pieces.length,
  };
}

/** The user's bytes where they already fit the table; otherwise the vocabulary pruned and grown as the table was. */
function finalVocabulary(
  { vocab, compoundNames = [] }: WordPieceSource,
  { rows, storedRows, change }: TokenTable,
): { tokenDict: TokenDict; text: Uint8Array } {
  const tokenDict = withoutBlankEnd(loadVocab(vocab).tokenDict, change === undefined ? rows : storedRows);
  const spare = rows - tokenDict.size;
  const fits = spare === 0;
  if (change === undefined && (spare < 0 || spare >= Math.min(PADDING, rows / 2)))
    throw wrongSize(tokenDict.size, rows);
  if (change === undefined || (fits && !couldBeOriginal(tokenDict.size, storedRows, change))) {
    return { tokenDict, text: vocab };
  }
  const changed = new Map([...keep(tokenDict, change), ...compoundNames].map((token, id) => [token, id]));
  if (changed.size !== rows) {
    const found = `${tokenDict.size} tokens, ${changed.size} after keep_tokens and ${compoundNames.length} added names`;
    throw new ConfigError({
      what: 'vocabulary',
      expected: `${rows} different tokens, one for each row of the token table`,
      found,
      next: `Name the ${change.compoundTokens.length} tokens that compound_tokens appends, or give the final vocabulary`,
    });
  }
  return { tokenDict: changed, text: encode(saveVocab(changed)) };
}

/** Without the token '' of blank lines at the end, where the table has no row for it: no text is ever cut into it. */
function withoutBlankEnd(tokenDict: TokenDict, rows: number | undefined): TokenDict {
  const tokens = byId(tokenDict);
  const blankEnd = rows !== undefined && tokens.length === rows + 1 && tokens.at(-1)?.[0] === '';
  return blankEnd ? new Map(tokens.slice(0, -1)) : tokenDict;
}

/**
 * Whether a vocabulary of `size` tokens could be the checkpoint's, from before the change. One that fits both before and
 * after (`keep_tokens` only put rows in another order) is taken for it.
 */
function couldBeOriginal(size: number, storedRows: number | undefined, { keepTokens }: VocabularyChange): boolean {
  return storedRows === undefined ? (keepTokens ?? []).every(id => id < size) : storedRows === size;
}

function keep(tokenDict: TokenDict, { keepTokens }: VocabularyChange): string[] {
  const tokens = new Map(byId(tokenDict).map(([token, id]) => [id, token]));
  return (keepTokens ?? [...tokens.keys()]).map(id => {
    const token = tokens.get(id);
    if (token !== undefined) return token;
    throw new ConfigError({
      what: 'keep_tokens',
      expected: `ids of the ${tokens.size} tokens of the vocabulary`,
      found: `${id}`,
    });
  });
}

function wrongSize(tokens: number, rows: number): ConfigError {
  return new ConfigError({
    what: 'vocabulary',
    expected: `${rows} tokens, one for each row of the token table`,
    found: `${tokens} tokens`,
    next: 'It belongs to another model: give the vocabulary that the checkpoint was trained with.',
  });
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
