/**
 * Recurrent operators: https://github.com/onnx/onnx/blob/v1.17.0/docs/Operators.md#LSTM
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { fail, requireDtype } from './shape-rules.ts';

/** Weights of a bidirectional LSTM, gates i, o, f, c, and the lengths of the sequences. */
export interface LstmOperands {
  /** [2, 4H, I] */
  readonly input: Value;
  /** [2, 4H, H] */
  readonly recurrent: Value;
  /** [2, 8H] */
  readonly bias: Value;
  /** int32 [B] */
  readonly lengths: Value;
}

/** A bidirectional LSTM over x [T, B, I] → the states of both directions, [T, 2, B, H]. */
export function lstm(g: GraphBuilder, x: Value, { input, recurrent, bias, lengths }: LstmOperands): Value {
  requireDtype(g, 'LSTM', [x, input, recurrent, bias], 'float32');
  requireDtype(g, 'LSTM', [lengths], 'int32');
  const [length, batch, size] = x.shape;
  const hidden = recurrent.shape[2];
  if (length === undefined || batch === undefined || hidden === undefined || size !== input.shape[2])
    return fail(g, 'LSTM', 'x [T, B, I] and weights [2, 4H, I], [2, 4H, H]', x, input, recurrent);
  const attributes = {
    direction: { kind: 'string', value: 'bidirectional' },
    hidden_size: { kind: 'int', value: Number(hidden) },
  } as const;
  const inputs = [x, input, recurrent, bias, lengths];
  return g.emit({ op: 'LSTM', inputs, attributes, dtype: 'float32', shape: [length, 2, batch, hidden] });
}
