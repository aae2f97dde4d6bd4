/**
 * Pooling of equal answers from several passages: a passage that is sure counts for more than two that are not. The rule
 * of bert4keras' examples/task_reading_comprehension_by_mlm.py.
 */

/** A passage's answer with its score. */
export interface ScoredAnswer {
  readonly answer: string;
  readonly score: number;
}

/** sum(s²) / (sum(s) + 1), in double. 0 for no scores. */
export function poolScores(scores: readonly number[]): number {
  const sum = scores.reduce((total, score) => total + score, 0);
  return scores.reduce((total, score) => total + score * score, 0) / (sum + 1);
}

/**
 * Equal answers pooled by {@link poolScores}, best first; equal scores in the order in which the answers came up. Empty
 * answers are left out.
 */
export function poolAnswers(answers: readonly ScoredAnswer[]): readonly ScoredAnswer[] {
  const scoresOf = new Map<string, number[]>();
  for (const { answer, score } of answers) {
    if (answer === '') continue;
    const scores = scoresOf.get(answer) ?? [];
    scores.push(score);
    scoresOf.set(answer, scores);
  }
  return [...scoresOf]
    .map(([answer, scores]) => ({ answer, score: poolScores(scores) }))
    .sort((a, b) => b.score - a.score);
}
