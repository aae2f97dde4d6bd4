/**
 * Tables of rows: tokens, segments, learned positions.
 *
 * Hierarchical positions stretch a table of m rows to m² positions (Su, https://kexue.fm/archives/7947):
 * u = (P - α P₀) / (1 - α), row p = α u[⌊p / m⌋] + (1 - α) u[p mod m]; below m this is P[p].
 */
import type { LayerSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, div, mod, mul, sub } from '../ops/elementwise.ts';
import { gather } from '../ops/indexing.ts';
import { extentOf, slice } from '../ops/layout.ts';
import { range } from '../ops/linear.ts';

/** Rows and width of a table. */
export interface TableSize {
  readonly rows: number;
  readonly width: number;
}

/** The Keras layer of a token table: its rows are the vocabulary. */
export function tokenTableLayer(name: string, size: TableSize): LayerSpec {
  return { name, slots: [{ slot: 'embeddings', shape: [size.rows, size.width], freeAxis: 0, vocabularyAxis: 0 }] };
}

/** The Keras layer of any other table; the checkpoint decides the number of rows. */
export function tableLayer(name: string, size: TableSize): LayerSpec {
  return { name, slots: [{ slot: 'embeddings', shape: [size.rows, size.width], freeAxis: 0 }] };
}

/** The table of a layer as a value, [rows, width]. */
export function table(g: GraphBuilder, layer: string, size: TableSize): Value {
  return g.weight(layer, 'embeddings', [size.rows, size.width]);
}

/** Rows of a table: ids [B, T] → [B, T, width]. `node` names the look-up where one table serves several. */
export function embedding(g: GraphBuilder, layer: string, size: TableSize, ids: Value, node = layer): Value {
  return gather(g.at(node), table(g, layer, size), ids);
}

/** How a table of learned positions is read. */
export interface LearnedPositions extends TableSize {
  /** α of hierarchical positions with the m of the formula above, or null for plain ones. */
  readonly hierarchical: { readonly alpha: number; readonly period: number } | null;
}

/** Rows for position ids [B, T], or, without ids, rows 0 … T-1 for `tokens` [B, T]. Result [B, T, E] or [T, E]. */
export function learnedPositions(
  g: GraphBuilder,
  layer: string,
  size: LearnedPositions,
  positions: { readonly ids: Value } | { readonly tokens: Value },
): Value {
  const at = g.at(layer);
  const rows = table(g, layer, size);
  if (size.hierarchical !== null) {
    const ids =
      'ids' in positions ? positions.ids : range(at.at('places'), extentOf(at.at('places'), positions.tokens, 1));
    return hierarchicalPositions(at, rows, ids, size.hierarchical);
  }
  return 'ids' in positions ? gather(at, rows, positions.ids) : firstRows(at, rows, positions.tokens);
}

/** A slice, unlike a look-up, makes a sequence longer than the table fail on every device. */
function firstRows(g: GraphBuilder, rows: Value, tokens: Value): Value {
  const { dim, size } = extentOf(g, tokens, 1);
  return slice(g, rows, { axis: 0, start: 0, end: size, size: dim });
}

function hierarchicalPositions(
  g: GraphBuilder,
  rows: Value,
  ids: Value,
  { alpha, period }: { readonly alpha: number; readonly period: number },
): Value {
  const scalar = (value: number): Value => g.constant('float32', [value]);
  const first = slice(g.at('first'), rows, { axis: 0, start: 0, end: 1, size: 1 });
  const shifted = sub(g.at('base'), rows, mul(g.at('base'), first, scalar(alpha)));
  const base = div(g.at('base'), shifted, scalar(1 - alpha)); // [m, E]
  const m = g.constant('int64', [period]);
  const coarse = gather(g.at('coarse'), base, div(g.at('coarse'), ids, m));
  const fine = gather(g.at('fine'), base, mod(g.at('fine'), ids, m));
  return add(g, mul(g.at('coarse'), coarse, scalar(alpha)), mul(g.at('fine'), fine, scalar(1 - alpha)));
}
