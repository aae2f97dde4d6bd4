/**
 * What clipped relative positions add to attention (Shaw et al. 2018, https://arxiv.org/abs/1803.02155, as NEZHA has it):
 * with a table of 129 rows, shared by all heads and layers, and r = clip(k - q, ±64) + 64,
 *
 *   scores[q, k] += q · table[r]        context[q] += Σₖ weights[q, k] table[r]
 *
 * The rows of all pairs, [T, T, H], are never made. Scores are picked from q · tableᵀ, which has 129 columns; for context,
 * the weights that meet each row of the table are added up first, and one product with the table finishes it. How they are
 * added up differs: sequence-relative.ts for whole sequences, slot-relative.ts for slots at any positions.
 *
 * B batch, N heads, T length (R new rows and S slots over a cache), H head size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, cast, max, min, sub } from '../ops/elementwise.ts';
import { gatherElements } from '../ops/indexing.ts';
import { type Extent, expandTo, transpose, unsqueeze } from '../ops/layout.ts';
import { matMul } from '../ops/linear.ts';

/** Distance from which on all keys on one side share a row. */
export const REACH = 64;

/** Rows of the table: distances -64 … 64. */
export const RELATIVE_ROWS = 2 * REACH + 1;

/** Terms that relative positions add. */
export interface RelativeTerms {
  /** Scores [B, N, R, S] with their term for queries [B, N, R, H]. */
  onScores(g: GraphBuilder, scores: Value, query: Value): Value;
  /** Context [B, N, R, H] with its term for attention weights [B, N, R, S]. */
  onContext(g: GraphBuilder, context: Value, weights: Value): Value;
}

/** The table [129, H] and the number of heads that share it. */
export interface RelativeTable {
  readonly table: Value;
  readonly heads: number;
}

/** k - q for positions int64 [..., S] of keys and [..., R] of queries: [..., R, S]. */
export function distancesBetween(g: GraphBuilder, keys: Value, queries: Value): Value {
  const axis = keys.shape.length - 1;
  return sub(g, unsqueeze(g.at('keys'), keys, axis), unsqueeze(g.at('queries'), queries, axis + 1));
}

/** The row of the table for each distance, int64 of any shape. */
export function tableRows(g: GraphBuilder, distances: Value): Value {
  const scalar = (value: number): Value => g.constant('int64', [value]);
  const clipped = max(g.at('clip'), min(g.at('clip'), distances, scalar(REACH)), scalar(-REACH));
  return add(g.at('clip'), clipped, scalar(REACH));
}

/** Indices for picking along the last axis, repeated over [B, N, R, S]; as int32 they take half the memory. */
export function perHead(g: GraphBuilder, indices: Value, extents: readonly [Extent, ...Extent[]]): Value {
  return expandTo(g, cast(g, indices, 'int32'), extents);
}

/** The score term of queries whose rows of the table are known, int32 [B, N, R, S]. */
export function relativeScores(g: GraphBuilder, table: Value, rows: Value): RelativeTerms['onScores'] {
  const columns = transpose(g.at('table'), table, [1, 0]); // [H, 129]
  return (at, scores, query) => {
    const term = at.at('relative-scores');
    return add(term, scores, gatherElements(term, matMul(term, query, columns), rows));
  };
}
