/**
 * The inputs of `model.onnx`: a padded batch of sequences. Names are Hugging Face's.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';

/** Which inputs a model takes. */
export interface InputOptions {
  readonly sequenceLength: number | null;
  readonly segmentVocabSize: number;
  readonly customPositionIds: boolean;
}

/** Inputs of a sequence model, int64 [B, T]. */
export interface ModelInputs {
  readonly tokens: Value;
  readonly segments?: Value;
  readonly positions?: Value;
}

/** Declares the inputs that the options call for. */
export function modelInputs(g: GraphBuilder, options: InputOptions): ModelInputs {
  const shape = ['B', options.sequenceLength ?? 'T'];
  return {
    tokens: g.input('input_ids', 'int64', shape),
    ...(options.segmentVocabSize > 0 && { segments: g.input('token_type_ids', 'int64', shape) }),
    ...(options.customPositionIds && { positions: g.input('position_ids', 'int64', shape) }),
  };
}
