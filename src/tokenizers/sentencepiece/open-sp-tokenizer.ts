/** The SentencePiece tokenizer that a manifest describes, with jieba in front where it says so. */
import { ConfigError } from '../../core/errors.ts';
import type { SentencePieceEntry } from '../../core/manifest.ts';
import { loadJieba } from '../jieba/load-jieba.ts';
import { cpmPreTokenize } from './cpm-recipe.ts';
import { createSentencePiece } from './sentence-piece.ts';
import { createSpTokenizer, type SpTokenizer } from './sp-tokenizer.ts';

/** Reads a data file of this package, by its address beside the code. */
export type ReadAsset = (address: URL) => Promise<Uint8Array>;

/**
 * @param readFile - reads a whole file of the model directory.
 * @param readAsset - needed when the entry asks for jieba, whose dictionary is read only then.
 * @throws {@link ConfigError} when it is needed and missing; {@link FormatError} when a file is damaged.
 */
export async function openSpTokenizer(
  entry: SentencePieceEntry,
  readFile: (name: string) => Promise<Uint8Array>,
  readAsset?: ReadAsset,
): Promise<SpTokenizer> {
  const { tokenStart, tokenEnd, tokenTranslate } = entry;
  const model = createSentencePiece(await readFile(entry.model), entry.model);
  const options = { tokenStart, tokenEnd, tokenTranslate };
  if (entry.preTokenize === null) return createSpTokenizer(model, options);
  if (readAsset === undefined) throw noAssets();
  const jieba = await loadJieba(readAsset);
  return createSpTokenizer(model, { ...options, preTokenize: cpmPreTokenize(text => jieba.cut(text)) });
}

function noAssets(): ConfigError {
  return new ConfigError({
    what: 'tokenizer',
    expected: 'a way to read the dictionary of jieba',
    found: 'none',
    next: 'Pass readAsset to createTokenizer.',
  });
}
