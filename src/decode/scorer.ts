/**
 * The seam between search and model: a scorer says how likely each next token is after some hypotheses. Searches are
 * pure; what lies behind a scorer (a graph with or without cache, a table in a test, several passages voting) is not
 * their business.
 */

/**
 * A generated prefix, as a node of a tree: hypotheses that share a beginning share these objects. A caching scorer keeps
 * one cache slot per node, so that reordering beams moves nothing.
 */
export interface Hypothesis {
  /** null for the root, which stands for the prompt alone. */
  readonly parent: Hypothesis | null;
  /** The token that this node adds; -1 for the root. */
  readonly tokenId: number;
  /** Number of generated tokens up to and including this one; 0 for the root. */
  readonly length: number;
}

/**
 * Scores as they come from a scorer. Graphs give float32; float64 exists for scorers that compute in double, as NumPy
 * models do. Every search keeps the arithmetic of the array's own precision.
 */
export type ScoreArray = Float32Array | Float64Array;

/** The likeliest tokens of a row of logits, where a search asks for no more. */
export interface TopRow {
  /** Ids in descending order of their logits, of equal ones the lower first. */
  readonly ids: Int32Array;
  /** The logits. */
  readonly values: ScoreArray;
  /** Softmax of the first logit, over the whole row. */
  readonly probability: number;
}

/** Scores next tokens for one request (one prompt). */
export interface StepScorer {
  readonly vocabSize: number;
  /** What the rows hold: `logits` before softmax, or `probabilities`. */
  readonly kind: 'logits' | 'probabilities';
  /**
   * Scores of the next token, one row of `vocabSize` per hypothesis, row-major. The first call of a search gets the root
   * alone; later calls get children of hypotheses that were scored before. The array belongs to the caller.
   *
   * With `topK` the caller needs no more of a row of logits than its `topK` largest, and how likely they are: then a
   * scorer may return at least these of each row.
   */
  score(hypotheses: readonly Hypothesis[], signal?: AbortSignal): Promise<ScoreArray>;
  score(
    hypotheses: readonly Hypothesis[],
    signal?: AbortSignal,
    topK?: number,
  ): Promise<ScoreArray | readonly TopRow[]>;
}

/** The root of a new tree. */
export function rootHypothesis(): Hypothesis {
  return { parent: null, tokenId: -1, length: 0 };
}

/** The hypothesis that adds `tokenId` to `parent`. */
export function extendHypothesis(parent: Hypothesis, tokenId: number): Hypothesis {
  return { parent, tokenId, length: parent.length + 1 };
}

/** The generated token ids of a hypothesis, oldest first. */
export function tokenIdsOf(hypothesis: Hypothesis): number[] {
  const tokenIds = new Array<number>(hypothesis.length);
  for (let node: Hypothesis | null = hypothesis; node?.parent; node = node.parent)
    tokenIds[node.length - 1] = node.tokenId;
  return tokenIds;
}
