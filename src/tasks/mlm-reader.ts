/**
 * Reading comprehension without generation: `[CLS] [MASK]×n [SEP] question [SEP] passage [SEP]`, all segments 0. One pass
 * fills every mask; per passage the answer is the likeliest sequence of n-grams of the passage, and equal answers of
 * several passages are pooled.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/examples/task_reading_comprehension_by_mlm.py
 * (https://kexue.fm/archives/7148)
 */
import { poolAnswers } from '../decode/pool.ts';
import { createRowReader, type RowRequest } from '../generation/row-reader.ts';
import { type Model, tokenizerOf } from '../model.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import {
  type AnswerOptions,
  type AnswerSettings,
  type MlmAnswer,
  normalizePassage,
  type PassageAnswer,
  type ReadingComprehension,
  readerSettings,
  requirePassages,
} from './answer.ts';
import { findSpans } from './answer-spans.ts';
import { requireMaskedModel } from './masked-model.ts';
import { readMaskedSpan } from './masked-span.ts';
import { requireId } from './special-ids.ts';

/**
 * A reader over a masked language model.
 * @throws ConfigError when the model has no tokenizer or mask token, is no encoder, or its settings are wrong;
 * SessionError.
 * @example
 * const reader = await createMlmReader(model);
 * const { answer, ranking } = await reader.answer('谁写了《红楼梦》？', ['《红楼梦》的作者是曹雪芹。']);
 */
export async function createMlmReader(model: Model): Promise<ReadingComprehension<MlmAnswer>> {
  const { manifest } = model;
  const tokenizer = tokenizerOf(model);
  requireMaskedModel(manifest);
  const endId = requireId(tokenizer.tokenEndId, 'end');
  requireId(tokenizer.tokenMaskId, 'mask');
  const settingsOf = readerSettings(manifest, 'mlm');
  const reader = createRowReader(await model.openGraph('read'), manifest);
  const { vocabSize } = manifest.dimensions;

  return {
    async answer(question, passages, options: AnswerOptions = {}) {
      requirePassages(passages);
      const settings = settingsOf(options);
      const rows = maskedRows(tokenizer, question, passages, settings);
      const { maxAnswerLen } = settings;
      const readSpan = (logits: Float32Array, i: number): PassageAnswer => {
        const passageIds = rows[i]?.passageIds ?? [];
        const span = readMaskedSpan(logits, { passageIds, maxAnswerLen, endId, vocabSize, source: `passage ${i}` });
        return { ...span, answer: tokenizer.decode(span.tokenIds) };
      };
      return answerOf(tokenizer, rows, await reader.read(rows, readSpan, { signal: options.signal }));
    },
    get counts() {
      return reader.counts;
    },
  };
}

interface MaskedRow extends RowRequest {
  /** Ids of the passage as the model sees it, with its closing end token. */
  readonly passageIds: readonly number[];
  readonly text: string;
}

function maskedRows(
  tokenizer: Tokenizer,
  question: string,
  passages: readonly string[],
  { maxPassageLen, maxQuestionLen, maxAnswerLen }: AnswerSettings,
): readonly MaskedRow[] {
  const start = requireId(tokenizer.tokenStartId, 'start');
  const end = requireId(tokenizer.tokenEndId, 'end');
  const masks = new Array<number>(maxAnswerLen).fill(requireId(tokenizer.tokenMaskId, 'mask'));
  const asked = tokenizer.encode(question, undefined, { maxLen: maxQuestionLen + 1 }).tokenIds.slice(1);
  return passages.map(passage => {
    const text = normalizePassage(passage);
    const passageIds = tokenizer.encode(text, undefined, { maxLen: maxPassageLen + 1 }).tokenIds.slice(1);
    const tokenIds = [start, ...masks, end, ...asked, ...passageIds];
    const rows = masks.map((_, i) => i + 1);
    return { tokenIds, segmentIds: tokenIds.map(() => 0), rows, passageIds, text };
  });
}

function answerOf(tokenizer: Tokenizer, rows: readonly MaskedRow[], passages: readonly PassageAnswer[]): MlmAnswer {
  const ranking = poolAnswers(passages.map(({ answer, score }) => ({ answer, score })));
  const { answer, score } = ranking[0] ?? { answer: '', score: 0 };
  const givers = passages.filter(passage => passage.answer === answer).sort((a, b) => b.score - a.score);
  const tokenIds = givers[0]?.tokenIds ?? [];
  const endId = tokenizer.tokenEndId;
  const content = tokenIds.at(-1) === endId ? tokenIds.slice(0, -1) : tokenIds;
  const spans = rows.flatMap(({ text, passageIds }, passage) =>
    answer !== '' && passages[passage]?.answer === answer
      ? findSpans(tokenizer, content, { passage, text, readIds: passageIds.slice(0, -1) })
      : [],
  );
  return { kind: 'mlm', answer, tokenIds, score, passages, ranking, spans };
}
