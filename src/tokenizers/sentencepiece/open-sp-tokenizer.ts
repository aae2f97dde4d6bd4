/** The SentencePiece tokenizer that a manifest describes, with jieba in front where it says so. */
import type { SentencePieceEntry } from '../../core/manifest.ts';
import { loadJieba, type ReadAsset } from '../jieba/load-jieba.ts';
import { cpmPreTokenize } from './cpm-recipe.ts';
import { createSentencePiece } from './sentence-piece.ts';
import { createSpTokenizer, type SpTokenizer } from './sp-tokenizer.ts';

/**
 * @param readFile - reads a whole file of the model directory.
 * @param readAsset - reads jieba's dictionary when the entry asks for it, and only then.
 * @throws {@link FormatError} when a file is damaged.
 */
export async function openSpTokenizer(
  entry: SentencePieceEntry,
  readFile: (name: string) => Promise<Uint8Array>,
  readAsset: ReadAsset,
): Promise<SpTokenizer> {
  const { tokenStart, tokenEnd, tokenTranslate } = entry;
  const model = createSentencePiece(await readFile(entry.model), entry.model);
  const options = { tokenStart, tokenEnd, tokenTranslate };
  if (entry.preTokenize === null) return createSpTokenizer(model, options);
  const jieba = await loadJieba(readAsset);
  return createSpTokenizer(model, { ...options, preTokenize: cpmPreTokenize(text => jieba.cut(text)) });
}
