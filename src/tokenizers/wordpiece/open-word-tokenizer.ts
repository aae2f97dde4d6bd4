/** The WordPiece tokenizer of models over words: jieba cuts them first, by its dictionary alone. */
import { loadJieba, type ReadAsset } from '../jieba/load-jieba.ts';
import type { TokenDict } from '../vocabulary.ts';
import { createWordPieceTokenizer, type WordPieceOptions, type WordPieceTokenizer } from './wordpiece-tokenizer.ts';

/**
 * bert4keras' `Tokenizer(…, pre_tokenize=lambda s: jieba.cut(s, HMM=False))`.
 * @throws {@link FormatError} when jieba's data is damaged.
 */
export async function openWordTokenizer(
  tokenDict: TokenDict,
  options: Omit<WordPieceOptions, 'preTokenize'>,
  readAsset: ReadAsset,
): Promise<WordPieceTokenizer> {
  const jieba = await loadJieba(readAsset);
  return createWordPieceTokenizer(tokenDict, { ...options, preTokenize: text => jieba.cut(text, { hmm: false }) });
}
