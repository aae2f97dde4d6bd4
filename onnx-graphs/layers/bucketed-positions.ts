/**
 * T5's relative positions (Raffel et al. 2019, https://arxiv.org/abs/1910.10683): each head adds a learned number to the
 * score of query q and key k, chosen by how far they are apart. Near distances have a number of their own, farther ones share
 * one with ever more others. All layers of a stack have the same table, of 32 rows.
 *
 * The bucket of a distance is a logarithm in the reference, where rounding decides at the borders; here the borders are
 * listed as it draws them.
 *
 * B batch, N heads, Q queries, S keys, W distances that are told apart.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/layers.py#L959-L1015
 */
import type { LayerSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, cast, max, min } from '../ops/elementwise.ts';
import { gather } from '../ops/indexing.ts';
import { transpose } from '../ops/layout.ts';
import { distancesBetween } from './relative-position.ts';

/** Rows of a table. */
export const BUCKETS = 32;

/** First distances of the buckets that hold more than one, where half of the buckets are for keys after the query … */
const BOTH_SIDES = [8, 12, 16, 23, 32, 46, 64, 91];
/** … and where all are for keys before it. */
const ONE_SIDE = [16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113];

/** Which distances k - q have rows of their own. */
export interface Bucketing {
  /** Lowest and highest distance; those beyond share the rows of these. */
  readonly first: number;
  readonly last: number;
  /** Row of each distance from the first to the last. */
  readonly rows: readonly number[];
}

/** Keys before and after the query: of an encoder. */
export const bothSides: Bucketing = bucketing(BOTH_SIDES, true);

/** Keys before the query, those after it counting as at its place: of a decoder. */
export const oneSide: Bucketing = bucketing(ONE_SIDE, false);

/** The Keras layer of a stack's table. */
export function bucketTableLayer(name: string, heads: number): LayerSpec {
  return { name, slots: [{ slot: 'embeddings', shape: [BUCKETS, heads] }] };
}

/** A stack's table. */
export interface BucketTable {
  /** Keras name of its layer. */
  readonly layer: string;
  readonly heads: number;
  readonly buckets: Bucketing;
}

/** What is added to scores for positions int64 of queries [Q] and keys [S]: [N, Q, S]; with a batch [B, N, Q, S]. */
export function bucketedBias(
  g: GraphBuilder,
  { layer, heads, buckets: { first, last, rows } }: BucketTable,
  { queries, keys }: { readonly queries: Value; readonly keys: Value },
): Value {
  const scalar = (value: number): Value => g.constant('int64', [value]);
  const columns = transpose(g.at('table'), g.weight(layer, 'embeddings', [BUCKETS, heads]), [1, 0]); // [N, 32]
  const byDistance = gather(g.at('rows'), columns, g.constant('int64', rows, [rows.length]), 1); // [N, W]
  const clipped = max(g, min(g, distancesBetween(g, keys, queries), scalar(last)), scalar(first));
  const places = cast(g, add(g, clipped, scalar(-first)), 'int32'); // [Q, S] or [B, Q, S]
  const bias = gather(g, byDistance, places, 1); // [N, Q, S] or [N, B, Q, S]
  return places.shape.length === 2 ? bias : transpose(g, bias, [1, 0, 2, 3]);
}

/** Buckets with these borders; with keys on both sides, those after the query come second. */
function bucketing(borders: readonly number[], both: boolean): Bucketing {
  const exact = borders[0] ?? 0;
  const farthest = borders.at(-1) ?? 0;
  const bucketOf = (distance: number): number =>
    distance < exact ? distance : exact - 1 + borders.filter(border => border <= distance).length;
  const before = Array.from({ length: farthest + 1 }, (_, i) => bucketOf(farthest - i));
  if (!both) return { first: -farthest, last: 0, rows: before };
  const after = Array.from({ length: farthest }, (_, i) => BUCKETS / 2 + bucketOf(i + 1));
  return { first: -farthest, last: farthest, rows: [...before, ...after] };
}
