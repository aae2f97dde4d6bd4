/**
 * The table of tokenizers: what the manifest calls a kind, and how it is built from its files.
 */
import { ConfigError } from '../core/errors.ts';
import type { TokenizerEntry } from '../core/manifest.ts';
import type { ReadAsset } from './jieba/load-jieba.ts';
import { decodeUtf8 } from './text/utf-8.ts';
import type { Tokenizer } from './tokenizer.ts';
import { loadVocab } from './vocabulary.ts';
import { createWordPieceTokenizer } from './wordpiece/wordpiece-tokenizer.ts';
import { createWordListTokenizer, parseWordList } from './words/word-list-tokenizer.ts';

/** Reads a whole file of the model directory. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

/** SentencePiece and jieba are a fifth of what a page would load, and most models have no use for them. */
const loadLater = () => import('./loaded-later.ts');

/** Builds tokenizers of one kind. */
type Build<E extends TokenizerEntry> = (entry: E, readFile: ReadFile, readAsset: ReadAsset) => Promise<Tokenizer>;

const tokenizers: { readonly [E in TokenizerEntry as E['kind']]?: Build<E> } = {
  async wordpiece({ preTokenize, ...entry }, readFile, readAsset) {
    const { tokenDict } = loadVocab(decodeUtf8(await readFile(entry.vocab), entry.vocab));
    if (!preTokenize) return createWordPieceTokenizer(tokenDict, entry);
    return (await loadLater()).openWordTokenizer(tokenDict, entry, readAsset);
  },
  sentencepiece: async (...files) => (await loadLater()).openSpTokenizer(...files),
  words: async (entry, readFile) => createWordListTokenizer(parseWordList(await readFile(entry.vocab), entry.vocab)),
};

/**
 * Builds the tokenizer of a model.
 * @param readAsset - reads data files of this package, for tokenizers that need one (jieba's dictionary).
 * @throws ConfigError when there is none of that kind; what its reader throws.
 */
export function createTokenizer(entry: TokenizerEntry, readFile: ReadFile, readAsset: ReadAsset): Promise<Tokenizer> {
  const build = tokenizers[entry.kind] as Build<TokenizerEntry> | undefined;
  if (build !== undefined) return build(entry, readFile, readAsset);
  const expected = `one of ${Object.keys(tokenizers).join(', ')}`;
  throw new ConfigError({ what: 'kind of tokenizer', expected, found: entry.kind });
}
