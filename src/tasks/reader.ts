/**
 * The reader that suits a model: one that generates, or one that fills masks.
 */
import { ConfigError } from '../core/errors.ts';
import type { StrategyOptions } from '../generation/strategy.ts';
import type { Model } from '../model.ts';
import type { ReadingComprehension } from './answer.ts';
import { createMlmReader } from './mlm-reader.ts';
import { createSeq2SeqReader } from './seq2seq-reader.ts';

/**
 * Reading comprehension with whatever the model can do: seq2seq where it sees only what comes before, masks otherwise.
 * @throws ConfigError when it can do neither, or for `cache` with a masked model; SessionError.
 * @example
 * const reader = await createReader(model);
 * const { answer } = await reader.answer('谁写了《红楼梦》？', ['《红楼梦》的作者是曹雪芹。']);
 */
export async function createReader(model: Model, options: StrategyOptions = {}): Promise<ReadingComprehension> {
  if (model.manifest.attention.visibility !== 'padding') return createSeq2SeqReader(model, options);
  if (options.cache === undefined) return createMlmReader(model);
  const expected = 'none: a masked model computes each passage once';
  throw new ConfigError({ what: 'option cache', expected, found: options.cache });
}
