/**
 * The reader that suits a model: one that generates, or one that fills masks.
 */
import type { Model } from '../model.ts';
import type { ReadingComprehension } from './answer.ts';
import { createMlmReader } from './mlm-reader.ts';
import { createSeq2SeqReader } from './seq2seq-reader.ts';

/**
 * Reading comprehension with whatever the model can do: seq2seq where it sees only what comes before, masks otherwise.
 * @throws ConfigError when it can do neither; SessionError.
 * @example
 * const reader = await createReader(model);
 * const { answer } = await reader.answer('谁写了《红楼梦》？', ['《红楼梦》的作者是曹雪芹。']);
 */
export function createReader(model: Model): Promise<ReadingComprehension> {
  return model.manifest.attention.visibility === 'padding' ? createMlmReader(model) : createSeq2SeqReader(model);
}
