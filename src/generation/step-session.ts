/**
 * The step graph as the engine sees it: which inputs it has and how to feed rows of ids, with or without a cache.
 *
 * B batch, R new rows, S of them of sources with an encoder, P past slots, K read rows, N heads, H head size, V vocabulary.
 */
import type { Dimensions } from '../core/manifest.ts';
import { boolTensor, float32Tensor, int64Tensor, type Tensor } from '../core/tensor.ts';
import type { GraphSession } from '../session/session.ts';
import type { Columns } from './columns.ts';

/** New rows of a batch, padded to R rows and K read rows. */
export interface StepRows {
  readonly batch: number;
  /** R columns, of which the first S are those of sources that have an encoder of their own. */
  readonly columns: Columns;
  /** Past slots per lane, including unused ones; 0 for none. */
  readonly past: number;
  /** Tokens of sources, [B, S], and others, [B, R-S]. */
  readonly sourceIds: Int32Array;
  readonly tokenIds: Int32Array;
  /** [B, R] each. */
  readonly segmentIds: Int32Array;
  readonly positionIds: Int32Array;
  /** [B, R-S, P+R], 0 or 1. */
  readonly visible: Uint8Array;
  /** Rows whose logits are wanted, counted without those of sources, [B, K]. */
  readonly logitRows: Int32Array;
}

/** Past tensors by input name: keys [B, N, P, H], values, and positions [B, P] where the graph takes them. */
export type PastFeeds = Readonly<Record<string, Tensor>>;

/** Whether the graph takes an input. */
export function takes(session: GraphSession, input: string): boolean {
  return session.inputs.some(port => port.name === input);
}

/** Feeds of one run. */
export function stepFeeds(session: GraphSession, rows: StepRows, past: PastFeeds, topK = 0): Record<string, Tensor> {
  const { count, sources } = rows.columns;
  const shape = [rows.batch, count];
  const reads = rows.batch === 0 ? 0 : rows.logitRows.length / rows.batch;
  const tokens = int64Tensor(rows.tokenIds, [rows.batch, count - sources]);
  return {
    ...(hasSources(session)
      ? { input_ids: int64Tensor(rows.sourceIds, [rows.batch, sources]), decoder_input_ids: tokens }
      : { input_ids: tokens }),
    ...(takes(session, 'token_type_ids') && { token_type_ids: int64Tensor(rows.segmentIds, shape) }),
    ...(takes(session, 'position_ids') && { position_ids: int64Tensor(rows.positionIds, shape) }),
    visible: boolTensor(rows.visible, [rows.batch, count - sources, rows.past + count]),
    logit_rows: int64Tensor(rows.logitRows, [rows.batch, reads]),
    ...(takes(session, 'top_k') && { top_k: int64Tensor([topK], [1]) }),
    ...past,
  };
}

/**
 * Past slots of a run without a cache. The WebGPU provider ends the process over tensors without elements, so it gets one
 * slot that no row sees.
 */
export function blankSlots(session: GraphSession): number {
  return session.device.device === 'webgpu' ? 1 : 0;
}

/** Columns of sources that a run has at least, for the same reason. */
export function blankSources(session: GraphSession): number {
  return hasSources(session) ? blankSlots(session) : 0;
}

function hasSources(session: GraphSession): boolean {
  return takes(session, 'decoder_input_ids');
}

/** Past feeds of a run without a cache, with {@link blankSlots} slots. */
export function emptyPast(session: GraphSession, dimensions: Dimensions, batch: number): PastFeeds {
  const { layers, heads, keySize, headSize } = dimensions;
  const slots = blankSlots(session);
  const blank = (size: number): Tensor =>
    float32Tensor(new Float32Array(batch * heads * slots * size), [batch, heads, slots, size]);
  const feeds: Record<string, Tensor> = {};
  for (let layer = 0; layer < layers; layer++) {
    feeds[`past_key.${layer}`] = blank(keySize);
    feeds[`past_value.${layer}`] = blank(headSize);
  }
  for (const name of ['past_position_ids', 'past_token_type_ids']) {
    if (takes(session, name)) feeds[name] = int64Tensor(new Int32Array(batch * slots), [batch, slots]);
  }
  return feeds;
}
