/** The recordings of test/fixtures/text about SentencePiece, and the models that they are about. */
import { readFileSync } from 'node:fs';
import { createSentencePiece, type SentencePiece } from '../../src/tokenizers/sentencepiece/sentence-piece.ts';

const fixtures = new URL('../fixtures/text/', import.meta.url);
const files = {
  cpm: 'vocabs/cpm-chinese_vocab-2020-11-13.model',
  cpm_new: 'vocabs/cpm-chinese_vocab-2020-11-22.model',
  tiny_unigram: 'spm/tiny_unigram.model',
  tiny_bpe: 'spm/tiny_bpe.model',
  tiny_unigram_bytes: 'spm/tiny_unigram_bytes.model',
} as const;
/** Name of a model in the recordings. */
export type ModelName = keyof typeof files;

/** Bytes of its file. */
export const modelBytes = (name: ModelName): Uint8Array => readFileSync(new URL(files[name], fixtures));
/** All models, loaded. */
export const models = Object.fromEntries(
  (Object.keys(files) as ModelName[]).map(name => [name, createSentencePiece(modelBytes(name), files[name])]),
) as Record<ModelName, SentencePiece>;

/** A family of recordings. */
export function recorded<Family>(family: string): Family {
  return JSON.parse(readFileSync(new URL(`cases/${family}.json`, fixtures), 'utf8'));
}
