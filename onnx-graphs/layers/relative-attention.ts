/**
 * What relative positions add to attention over a cache (Shaw et al. 2018, https://arxiv.org/abs/1803.02155).
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';

/** Terms that relative positions add. */
export interface RelativeTerms {
  /** Scores [B, N, R, S] with their term for queries [B, N, R, H]. */
  onScores(g: GraphBuilder, scores: Value, query: Value): Value;
  /** Context [B, N, R, H] with its term for attention weights [B, N, R, S]. */
  onContext(g: GraphBuilder, context: Value, weights: Value): Value;
}
