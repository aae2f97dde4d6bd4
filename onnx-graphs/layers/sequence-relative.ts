/**
 * Relative positions within sequences, whose places are 0 … T-1. The weights that meet rows 1 … 127 of the table are a
 * band along the diagonal, which is picked; rows 0 and 128 get everything farther on either side. Since weights sum to one,
 * only the later side has to be added up, and where attention is causal not even that.
 *
 * B batch, N heads, T length, H head size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, and, greater, lessOrEqual, max, min, mul, sub, where } from '../ops/elementwise.ts';
import { gatherElements } from '../ops/indexing.ts';
import { concat, type Extent, extentOf, fixedExtent, slice, unsqueeze } from '../ops/layout.ts';
import { matMul, range, reduceSum } from '../ops/linear.ts';
import {
  distancesBetween,
  perHead,
  REACH,
  RELATIVE_ROWS,
  type RelativeTable,
  type RelativeTerms,
  relativeScores,
  tableRows,
} from './relative-position.ts';

/** Distances -63 … 63, each with a row of its own. */
const BAND = Array.from({ length: 2 * REACH - 1 }, (_, i) => i - (REACH - 1));

/** Terms for tokens [B, T]. `causal`: no query ever sees a later key. */
export function sequenceRelativeTerms(
  root: GraphBuilder,
  { table, heads }: RelativeTable,
  { tokens, causal }: { readonly tokens: Value; readonly causal: boolean },
): RelativeTerms {
  const g = root.at('Relative-Position');
  const length = extentOf(g.at('length'), tokens, 1);
  const outer = [extentOf(g.at('batch'), tokens, 0), fixedExtent(g, heads), length] as const;
  const places = range(g, length); // [T]
  const distances = distancesBetween(g, places, places); // [T, T]
  const rows = perHead(g.at('rows'), tableRows(g, distances), [...outer, length]); // [B, N, T, T]
  const band = bandOf(g.at('band'), places, length);
  const picks = perHead(g.at('picks'), band.keys, [...outer, fixedExtent(g, BAND.length)]); // [B, N, T, 127]
  const farLater = causal ? undefined : oneWhere(g.at('later'), greater(g.at('later'), distances, limit(g))); // [T, T]
  const met = causal ? slice(g.at('met'), table, { axis: 0, start: 0, end: -1, size: RELATIVE_ROWS - 1 }) : table;
  return {
    onScores: relativeScores(g, table, rows),
    onContext(at, context, weights) {
      const term = at.at('relative-context');
      const near = mul(term.at('near'), gatherElements(term.at('near'), weights, picks), band.inside); // [B, N, T, 127]
      const later = farLater && reduceSum(term.at('later'), mul(term.at('later'), weights, farLater), 3); // [B, N, T, 1]
      const nearSum = reduceSum(term.at('near'), near, 3);
      const known = later === undefined ? nearSum : add(term.at('later'), nearSum, later);
      const earlier = sub(term.at('earlier'), term.constant('float32', [1]), known);
      const sums = concat(term, later === undefined ? [earlier, near] : [earlier, near, later], 3); // [B, N, T, 129]
      return add(term, context, matMul(term, sums, met));
    },
  };
}

/** For each query the places of its near keys, moved inside the sequence, [T, 127], and 1 where they were inside. */
function bandOf(g: GraphBuilder, places: Value, length: Extent): { readonly keys: Value; readonly inside: Value } {
  const first = g.constant('int64', [0], [1]);
  const last = sub(g.at('last'), length.size, g.constant('int64', [1], [1]));
  const keys = add(g, unsqueeze(g, places, 1), g.constant('int64', BAND, [BAND.length]));
  const inside = and(g, lessOrEqual(g.at('from-first'), first, keys), lessOrEqual(g.at('to-last'), keys, last));
  return { keys: min(g, max(g, keys, first), last), inside: oneWhere(g, inside) };
}

function oneWhere(g: GraphBuilder, condition: Value): Value {
  return where(g, condition, g.constant('float32', [1]), g.constant('float32', [0]));
}

function limit(g: GraphBuilder): Value {
  return g.constant('int64', [REACH - 1]);
}
