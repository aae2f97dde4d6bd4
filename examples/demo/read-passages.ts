/**
 * Reading comprehension over several passages with a UniLM, out of the package's building blocks: every passage is asked
 * the question, their next-token distributions vote, and the answer may be held to the passages' words. After bert4keras'
 * examples/task_reading_comprehension_by_seq2seq.py (https://kexue.fm/archives/7115).
 */
import {
  beamSearch,
  constrain,
  createGenerator,
  type Model,
  tokenizerOf,
  type VoteTrace,
  vote,
} from '../../src/node.ts';

/** Limits that the model was trained with, in tokens. */
const MAX = { passage: 128, question: 32, answer: 16 };

/** An answer with what each passage said at the first step. */
export interface Reading {
  readonly answer: string;
  readonly tokenIds: readonly number[];
  /** Words that the passages began with. */
  readonly votes: readonly { readonly token: string; readonly probability: number; readonly kept: boolean }[];
}

/** A question with the passages that may hold the answer. */
export interface Question {
  readonly question: string;
  readonly passages: readonly string[];
}

/** Commas of every kind count as one, as in the training data. */
export function cleanPassage(passage: string): string {
  return passage.replace(/[ 、；，]/g, ',');
}

/** A reader over `model`; with `extractive`, answers are spans of the passages. */
export async function createPassageReader(model: Model, { extractive }: { readonly extractive: boolean }) {
  const tokenizer = tokenizerOf(model);
  const generator = createGenerator(await model.openGraph('step'), model.manifest);
  const endId = tokenizer.tokenEndId ?? 3;

  return async ({ question, passages }: Question): Promise<Reading> => {
    const asked = tokenizer.encode(question, undefined, { maxLen: MAX.question + 1 }).tokenIds.slice(1);
    const texts = passages.map(
      text => tokenizer.encode(cleanPassage(text), undefined, { maxLen: MAX.passage }).tokenIds,
    );
    const requests = texts.map(text => {
      const tokenIds = [...text, ...asked];
      return generator.start({ tokenIds, segmentIds: tokenIds.map(() => 0) }, { segmentId: 1 });
    });
    try {
      const merged = vote(requests, { endId });
      const words = texts.map(text => text.slice(1, -1));
      const scorer = extractive ? constrain(merged, words, { endId }) : merged;
      const { tokenIds } = await beamSearch(scorer, { topK: 1, endId, maxLen: MAX.answer });
      return {
        answer: tokenizer.decode(tokenIds),
        tokenIds,
        votes: votesOf(merged.trace, id => tokenizer.idToToken(id)),
      };
    } finally {
      for (const request of requests) request.release();
    }
  };
}

function votesOf({ first, kept }: VoteTrace, tokenOf: (id: number) => string): Reading['votes'] {
  return first.map(({ tokenId, probability }, passage) => {
    return { token: tokenOf(tokenId), probability, kept: kept[0]?.includes(passage) ?? false };
  });
}
