/**
 * The places 0 … T-1 of a sequence whose length is known only when the graph runs.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { GraphError, type Value } from '../onnx/value.ts';
import { sizesOf, squeeze } from '../ops/layout.ts';
import { range } from '../ops/linear.ts';

/** 0 … T-1 as int64 [T] for tokens [B, T]. */
export function indexRange(g: GraphBuilder, tokens: Value): Value {
  const length = tokens.shape[1];
  if (length === undefined) throw new GraphError({ what: 'places of a sequence', expected: 'tokens [B, T]' });
  const at = g.at('places');
  return range(at, squeeze(at, sizesOf(at, tokens, 1, 2), 0), length);
}
