/**
 * Extractive answers: a token may come next only where the whole generated prefix, continued by it, stands somewhere in a
 * passage. The rule of bert4keras' examples/task_reading_comprehension_by_seq2seq.py, mode extractive. Over a vote, only
 * kept passages count; as the rule is the same for all of them, applying it to the merged row equals applying it to each
 * passage's row before the merge: zeros merge to zero.
 */
import { checkInteger } from './option-checks.ts';
import { advanceMatches, continuations, createPassageIndex, firstMatches, type PassageIndex } from './passage-index.ts';
import type { Hypothesis, ScoreArray, StepScorer } from './scorer.ts';
import { probabilityRows } from './softmax.ts';

/** A scorer that may know which passages still take part, as `vote` does. */
export interface PassageScorer extends StepScorer {
  readonly keptPassages?: readonly number[];
}

/**
 * Restricts `scorer` to spans of `passages` (token ids of the texts as the model sees them, truncated, without special
 * tokens). All other tokens get probability 0 and nothing is normalised again; the end token is always allowed. Logits
 * become probabilities first.
 * @example
 * const merged = vote(scorers, { endId: 102 });
 * const scorer = constrain(merged, passages, { endId: 102 });
 */
export function constrain(
  scorer: PassageScorer,
  passages: readonly (readonly number[])[],
  { endId }: { readonly endId: number },
): StepScorer {
  checkInteger('endId', endId, 0);
  const index = createPassageIndex(passages);
  const matchesOf = createMatcher(index, () => scorer.keptPassages ?? passages.keys());
  return {
    vocabSize: scorer.vocabSize,
    kind: 'probabilities',
    async score(hypotheses, signal) {
      const scores = await scorer.score(hypotheses, signal);
      const step = hypotheses[0]?.length ?? 0;
      probabilityRows(scores, { scorer, rows: hypotheses.length, step }).forEach((row, position) => {
        const hypothesis = hypotheses[position];
        if (hypothesis !== undefined) keepOnly(row, continuations(index, matchesOf(hypothesis)), endId);
      });
      return scores;
    },
  };
}

/** The matches of a hypothesis, from those of its parent; each is computed once and lives as long as its hypothesis. */
function createMatcher(index: PassageIndex, kept: () => Iterable<number>): (hypothesis: Hypothesis) => Int32Array {
  const known = new WeakMap<Hypothesis, Int32Array>();
  const matchesOf = (hypothesis: Hypothesis): Int32Array => {
    const found = known.get(hypothesis);
    if (found !== undefined) return found;
    const matches =
      hypothesis.parent === null
        ? firstMatches(index, kept())
        : advanceMatches(index, matchesOf(hypothesis.parent), hypothesis.tokenId);
    known.set(hypothesis, matches);
    return matches;
  };
  return matchesOf;
}

/** Zeroes every entry but those of `tokenIds` and `endId`. */
function keepOnly(row: ScoreArray, tokenIds: Int32Array, endId: number): void {
  const end = row[endId] ?? 0;
  const values = Float64Array.from(tokenIds, tokenId => row[tokenId] ?? 0);
  row.fill(0);
  tokenIds.forEach((tokenId, position) => {
    row[tokenId] = values[position] ?? 0;
  });
  row[endId] = end;
}
