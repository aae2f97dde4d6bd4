/**
 * Reading comprehension by generation: `[CLS] passage [SEP] question [SEP] answer [SEP]`, one row per passage; at every
 * step the passages' distributions are merged by a vote, and in extractive mode only spans of kept passages may follow.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/examples/task_reading_comprehension_by_seq2seq.py
 * (https://kexue.fm/archives/7115)
 */
import { type BeamSearchResult, beamSearch } from '../decode/beam-search.ts';
import { constrain } from '../decode/constrain.ts';
import { type VoteScorer, vote } from '../decode/vote.ts';
import { openGenerator } from '../generation/open-generator.ts';
import type { StrategyOptions } from '../generation/strategy.ts';
import { type Model, tokenizerOf } from '../model.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import {
  type AnswerOptions,
  type AnswerSettings,
  normalizePassage,
  type ReadingComprehension,
  readerSettings,
  requirePassages,
  type Seq2SeqAnswer,
} from './answer.ts';
import { findSpans } from './answer-spans.ts';
import { refuseEncoder, requireLanguageModel } from './language-model.ts';
import { requireId } from './special-ids.ts';

/**
 * A reader over a seq2seq (unilm or lm) model.
 * @throws ConfigError when the model has no tokenizer, sees in both directions, or its settings are wrong; SessionError.
 * @example
 * const reader = await createSeq2SeqReader(model);
 * const { answer, score } = await reader.answer('谁写了《红楼梦》？', ['《红楼梦》的作者是曹雪芹。']);
 */
export async function createSeq2SeqReader(
  model: Model,
  options: StrategyOptions = {},
): Promise<ReadingComprehension<Seq2SeqAnswer>> {
  const { manifest } = model;
  const tokenizer = tokenizerOf(model);
  requireLanguageModel(manifest.attention);
  refuseEncoder(manifest.attention);
  const endId = requireId(tokenizer.tokenEndId, 'end');
  const settingsOf = readerSettings(manifest, 'seq2seq');
  const generator = await openGenerator(model, options);
  // Generated tokens are the second segment, where the model has segments.
  const segmentId = manifest.dimensions.segmentVocabSize > 1 ? 1 : 0;

  return {
    async answer(question, passages, options: AnswerOptions = {}) {
      requirePassages(passages);
      const settings = settingsOf(options);
      const rows = readingRows(tokenizer, question, passages, settings);
      const scorers = rows.map(({ tokenIds }) =>
        generator.start({ tokenIds, segmentIds: tokenIds.map(() => 0) }, { segmentId }),
      );
      try {
        const votes = vote(scorers, { endId });
        const texts = rows.map(row => row.readIds);
        const scorer = settings.mode === 'extractive' ? constrain(votes, texts, { endId }) : votes;
        const { topK, maxAnswerLen: maxLen } = settings;
        const result = await beamSearch(scorer, { topK, endId, maxLen, signal: options.signal });
        return answerOf(tokenizer, rows, result, votes);
      } finally {
        for (const scorer of scorers) scorer.release();
      }
    },
    strategy: generator.strategy,
    get counts() {
      return generator.counts;
    },
  };
}

interface ReadingRow {
  readonly tokenIds: readonly number[];
  /** Ids of the passage's text as the model sees it, without special tokens. */
  readonly readIds: readonly number[];
  readonly text: string;
}

/** Passage and question are truncated apart, each keeping its end token. */
function readingRows(
  tokenizer: Tokenizer,
  question: string,
  passages: readonly string[],
  { maxPassageLen, maxQuestionLen }: AnswerSettings,
): readonly ReadingRow[] {
  const asked = tokenizer.encode(question, undefined, { maxLen: maxQuestionLen + 1 }).tokenIds.slice(1);
  return passages.map(passage => {
    const text = normalizePassage(passage);
    const { tokenIds } = tokenizer.encode(text, undefined, { maxLen: maxPassageLen });
    return { tokenIds: [...tokenIds, ...asked], readIds: tokenIds.slice(1, -1), text };
  });
}

function answerOf(
  tokenizer: Tokenizer,
  rows: readonly ReadingRow[],
  { tokenIds, score, steps, finished }: BeamSearchResult,
  votes: VoteScorer,
): Seq2SeqAnswer {
  const kept = new Set(votes.keptPassages);
  const content = finished ? tokenIds.slice(0, -1) : tokenIds;
  const answer = tokenizer.decode(tokenIds);
  const spans = rows.flatMap(({ text, readIds }, passage) =>
    answer !== '' && kept.has(passage) ? findSpans(tokenizer, content, { passage, text, readIds }) : [],
  );
  return {
    kind: 'seq2seq',
    answer,
    tokenIds,
    score,
    values: steps.map(step => step.probability),
    passages: votes.trace.first.map((first, passage) => ({ ...first, kept: kept.has(passage) })),
    spans,
  };
}
