/**
 * The generation graph of a model with an encoder and a decoder. A lane of the cache holds what the decoder's layers need
 * of either side: keys and values of the source for attention to it, and those of the target so far. New rows are S of the
 * source, when a request begins, then R of the target; a step has none of the source, and the encoder computes nothing.
 *
 *   past [B, N, P, H]: slots of both sides, told apart by past_token_type_ids, 0 the source
 *   new  [B, N, S+R, H]
 *
 * Either attention reads all slots of the past, and its bias hides those of the other side. Positions count from 0 on
 * either side.
 *
 * B batch, S new rows of the source, R of the target, P past slots, K rows whose logits are wanted, N heads, H head size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { GraphError, type Value } from '../onnx/value.ts';
import { add, greater, where } from '../ops/elementwise.ts';
import { concat, type Extent, extentOf, slice, unsqueeze } from '../ops/layout.ts';
import type { AttentionSizes, Heads } from './attention.ts';
import { type BucketTable, bucketedBias } from './bucketed-positions.ts';
import { attendOver } from './cached-attention.ts';
import type { SourceHeads } from './cross-attention.ts';
import { hiddenBias, LOWEST } from './masks.ts';
import type { DecoderAttention } from './t5-stacks.ts';

/** Inputs of a step. */
export interface TwoSidedInputs {
  /** int64 [B, S] and [B, R] */
  readonly source: Value;
  readonly target: Value;
  /** int64 [B, S+R] and [B, P] */
  readonly positions: Value;
  readonly pastPositions: Value;
  readonly pastSides: Value;
  /** Which slots and rows a row of the target sees: bool [B, R, P+S+R]. */
  readonly visible: Value;
  /** Rows of the target, int64 [B, K]. */
  readonly logitRows: Value;
}

/** Declares the inputs besides the cache. */
export function twoSidedInputs(g: GraphBuilder): TwoSidedInputs {
  return {
    source: g.input('input_ids', 'int64', ['B', 'S']),
    target: g.input('decoder_input_ids', 'int64', ['B', 'R']),
    positions: g.input('position_ids', 'int64', ['B', 'S+R']),
    pastPositions: g.input('past_position_ids', 'int64', ['B', 'P']),
    pastSides: g.input('past_token_type_ids', 'int64', ['B', 'P']),
    visible: g.input('visible', 'bool', ['B', 'R', 'P+S+R']),
    logitRows: g.input('logit_rows', 'int64', ['B', 'K']),
  };
}

/** How positions add to scores. */
export interface TwoSidedPositions {
  readonly table: BucketTable;
  /** Whether they do so in attention to the source as well. */
  readonly cross: boolean;
}

/** Attention over the cache. Declares each layer's `past_*` inputs and `new_*` outputs on the way. */
export function cachedDecoderAttention(
  root: GraphBuilder,
  sizes: AttentionSizes,
  inputs: TwoSidedInputs,
  positions: TwoSidedPositions,
): DecoderAttention {
  const bias = biases(root.at('Attention-Mask'), inputs, positions);
  const layers = new Map<number, { readonly cache: SourceHeads; readonly own: Heads }>();
  const past = (name: string, size: number): Value => root.input(name, 'float32', ['B', sizes.heads, 'P', size]);
  return {
    rows: (_g, _layer, x) => x,
    attend(g, layer, own) {
      const cache = {
        key: past(`past_key.${layer}`, sizes.keySize),
        value: past(`past_value.${layer}`, sizes.headSize),
      };
      layers.set(layer, { cache, own });
      return attendOver(g, { ...own, cache }, { bias: bias.target });
    },
    attendSource(g, layer, query, source) {
      const held = layers.get(layer);
      if (held === undefined) throw new GraphError({ what: `layer ${layer}`, found: 'the source attended to first' });
      const { cache, own } = held;
      root.output(`new_key.${layer}`, concat(g.at('new-key'), [source.key, own.key], 2)); // [B, N, S+R, H]
      root.output(`new_value.${layer}`, concat(g.at('new-value'), [source.value, own.value], 2));
      return attendOver(g, { query, ...source, cache }, { bias: bias.source }).context;
    },
  };
}

/** What is added to scores: over past and new slots of the target, [B, N, R, P+R], and of the source, [B, N, R, P+S]. */
function biases(g: GraphBuilder, inputs: TwoSidedInputs, { table, cross }: TwoSidedPositions) {
  const { source, positions, pastPositions, pastSides } = inputs;
  const ends = {
    past: extentOf(g.at('past'), pastSides, 1),
    source: extentOf(g.at('source'), source, 1),
  };
  const hidden = parts(g.at('hidden'), hiddenBias(g, inputs.visible), ends); // [B, R, ·]
  const ofTarget = unsqueeze(g, greater(g, pastSides, g.constant('int64', [0])), 1); // [B, 1, P]
  const lowest = g.constant('float32', [LOWEST]);
  const targetSlots = where(g.at('target'), ofTarget, hidden.past, lowest); // [B, R, P]
  const sourceSlots = where(g.at('source'), ofTarget, lowest, hidden.past);
  const queries = slice(g.at('queries'), positions, { axis: 1, start: ends.source.size, size: 'R' });
  const keys = concat(g.at('keys'), [pastPositions, positions], 1); // [B, P+S+R]
  const relative = bucketedBias(g.at('Relative-Position'), table, { queries, keys }); // [B, N, R, P+S+R]
  const added = parts(g.at('relative'), relative, ends);
  const join = (name: string, a: Value, b: Value): Value => concat(g.at(name), [a, b], a.shape.length - 1);
  const ofSlots = (name: string, slots: Value, rows: Value): Value => unsqueeze(g.at(name), join(name, slots, rows), 1); // [B, 1, R, ·]
  const target = ofSlots('target', targetSlots, hidden.target);
  const toSource = ofSlots('source', sourceSlots, hidden.source);
  return {
    target: add(g.at('target'), target, join('target-relative', added.past, added.target)),
    source: cross ? add(g.at('source'), toSource, join('source-relative', added.past, added.source)) : toSource,
  };
}

/** The columns of past slots, of new rows of the source, and of new rows of the target. */
function parts(g: GraphBuilder, x: Value, ends: { readonly past: Extent; readonly source: Extent }) {
  const axis = x.shape.length - 1;
  const rowsStart = add(g, ends.past.size, ends.source.size);
  return {
    past: slice(g.at('past'), x, { axis, start: 0, end: ends.past.size, size: ends.past.dim }),
    source: slice(g.at('source'), x, { axis, start: ends.past.size, end: rowsStart, size: ends.source.dim }),
    target: slice(g.at('target'), x, { axis, start: rowsStart, size: 'R' }),
  };
}
