/**
 * Whole sequences of which a few rows are read: those with a mask, of a masked model. At a vocabulary of 21,128 words the
 * logits of a row cost two thirds of a layer, so they are computed for the rows that are asked for; and of the last layer
 * only keys and values are needed for all rows, its queries, its projections and what follows for those that are read.
 *
 * B batch, T length, K rows whose logits are wanted, N heads, H head size, D hidden size.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import type { Attention } from './attention.ts';
import { readRows } from './heads.ts';
import { type InputOptions, type ModelInputs, modelInputs } from './sequence-inputs.ts';

/** Inputs of a sequence model and the rows that are read. */
export interface ReadInputs extends ModelInputs {
  /** int64 [B, K] */
  readonly logitRows: Value;
}

/** Declares the inputs. Sequences may have any length, whatever the model was built for. */
export function readInputs(g: GraphBuilder, options: InputOptions): ReadInputs {
  return {
    ...modelInputs(g, { ...options, sequenceLength: null }),
    logitRows: g.input('logit_rows', 'int64', ['B', 'K']),
  };
}

/** Sizes of a stack of which rows are read. */
export interface ReadSizes {
  readonly layers: number;
  readonly residualAttentionScores: boolean;
}

type Attending = Pick<Attention, 'attend'>;

/**
 * Attention that leaves the rows to read in the last layer, or, where layers hand the scores of all rows on, after it.
 * `ofRead` gives the attention of these rows where it is another than that of all.
 */
export function readAttention(
  { layers, residualAttentionScores }: ReadSizes,
  logitRows: Value,
  ofAll: Attending,
  ofRead: () => Attending = () => ofAll,
): Attention {
  const firstRead = residualAttentionScores ? layers : layers - 1;
  return {
    rows: (g, layer, x) => (layer === firstRead ? readRows(g, x, logitRows) : x),
    attend: (g, layer, heads, residual) => (layer < firstRead ? ofAll : ofRead()).attend(g, layer, heads, residual),
  };
}
