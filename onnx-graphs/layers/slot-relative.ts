/**
 * Relative positions between new rows and the slots of a cache, or between chosen rows and all of a sequence. Slots may lie
 * at any positions, several at one (beams), so the weights that meet each row of the table are scattered into it.
 *
 * B batch, N heads, Q queries, S slots (P past ones and R new rows), T length, K rows whose logits are wanted, H head size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { scatterAdd } from '../ops/indexing.ts';
import { concat, expandTo, extentOf, fixedExtent, unsqueeze } from '../ops/layout.ts';
import { matMul, range } from '../ops/linear.ts';
import type { SlotRelative } from './cached-attention.ts';
import {
  distancesBetween,
  perHead,
  RELATIVE_ROWS,
  type RelativeTable,
  type RelativeTerms,
  relativeScores,
  tableRows,
} from './relative-position.ts';

/** Terms of queries over slots at `past` int64 [B, P] and the new rows. */
export function slotRelativeTerms(table: RelativeTable, past: Value): SlotRelative {
  return (root, { queries, rows }) => {
    const g = root.at('Relative-Position');
    return termsAt(g, table, { queries, slots: concat(g.at('slots'), [past, rows], 1) });
  };
}

/** Terms of chosen rows, int64 [B, K], of whole sequences of tokens [B, T], over all of their places. */
export function rowRelativeTerms(
  root: GraphBuilder,
  table: RelativeTable,
  { tokens, logitRows }: { readonly tokens: Value; readonly logitRows: Value },
): RelativeTerms {
  const g = root.at('Relative-Position').at('logit-rows');
  const places = unsqueeze(g, range(g, extentOf(g.at('length'), tokens, 1)), 0); // [1, T]
  return termsAt(g, table, { queries: logitRows, slots: places });
}

/** Terms of queries at positions [B, Q] over slots at positions [B or 1, S], int64. */
function termsAt(
  g: GraphBuilder,
  { table, heads }: RelativeTable,
  { queries, slots }: { readonly queries: Value; readonly slots: Value },
): RelativeTerms {
  const distances = distancesBetween(g, slots, queries); // [B, Q, S]
  const outer = [
    extentOf(g.at('batch'), queries, 0),
    fixedExtent(g, heads),
    extentOf(g.at('count'), queries, 1),
  ] as const;
  const rows = perHead(g.at('rows'), unsqueeze(g.at('rows'), tableRows(g, distances), 1), [
    ...outer,
    extentOf(g.at('slots'), slots, 1),
  ]); // [B, N, Q, S]
  const zero = g.constant('float32', [0], [1, 1, 1, 1]);
  const none = expandTo(g.at('none'), zero, [...outer, fixedExtent(g, RELATIVE_ROWS)]); // [B, N, Q, 129]
  return {
    onScores: relativeScores(g, table, rows),
    onContext(at, context, weights) {
      const term = at.at('relative-context');
      return add(term, context, matMul(term, scatterAdd(term, none, rows, weights), table));
    },
  };
}
