/**
 * Relative positions between new rows and the slots of a cache. Slots may lie at any positions, several at one (beams), so
 * the weights that meet each row of the table are scattered into it.
 *
 * B batch, N heads, R new rows, P past slots, H head size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { scatterAdd } from '../ops/indexing.ts';
import { concat, expandTo, extentOf, fixedExtent, unsqueeze } from '../ops/layout.ts';
import { matMul } from '../ops/linear.ts';
import {
  distancesBetween,
  perHead,
  RELATIVE_ROWS,
  type RelativeTable,
  type RelativeTerms,
  relativeScores,
  tableRows,
} from './relative-position.ts';

/** Terms for rows at `positions` [B, R] over slots at `past` [B, P] and the rows themselves, int64. */
export function slotRelativeTerms(
  root: GraphBuilder,
  { table, heads }: RelativeTable,
  { positions, past }: { readonly positions: Value; readonly past: Value },
): RelativeTerms {
  const g = root.at('Relative-Position');
  const slots = concat(g.at('slots'), [past, positions], 1); // [B, P+R]
  const distances = distancesBetween(g, slots, positions); // [B, R, P+R]
  const outer = [
    extentOf(g.at('batch'), positions, 0),
    fixedExtent(g, heads),
    extentOf(g.at('count'), positions, 1),
  ] as const;
  const rows = perHead(g.at('rows'), unsqueeze(g.at('rows'), tableRows(g, distances), 1), [
    ...outer,
    extentOf(g.at('slots'), slots, 1),
  ]); // [B, N, R, P+R]
  const zero = g.constant('float32', [0], [1, 1, 1, 1]);
  const none = expandTo(g.at('none'), zero, [...outer, fixedExtent(g, RELATIVE_ROWS)]); // [B, N, R, 129]
  return {
    onScores: relativeScores(g, table, rows),
    onContext(at, context, weights) {
      const term = at.at('relative-context');
      return add(term, context, matMul(term, scatterAdd(term, none, rows, weights), table));
    },
  };
}
