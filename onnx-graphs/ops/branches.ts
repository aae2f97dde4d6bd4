/**
 * The operator that computes one of two branches: https://github.com/onnx/onnx/blob/v1.17.0/docs/Operators.md#If
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Dim, Value } from '../onnx/value.ts';
import { fail } from './shape-rules.ts';

/** What a choice gives: a value for either case, of one type. */
export interface Choice {
  readonly whenTrue: (g: GraphBuilder) => Value;
  readonly whenFalse: (g: GraphBuilder) => Value;
  /** What both have in common. */
  readonly shape: readonly Dim[];
}

/** One of two values, of which only that one is computed; `condition` is one bool. */
export function choose(g: GraphBuilder, condition: Value, { whenTrue, whenFalse, shape }: Choice): Value {
  if (condition.dtype !== 'bool' || condition.shape.join() !== '1') return fail(g, 'If', 'a bool [1]', condition);
  const attributes = {
    then_branch: { kind: 'graph', value: g.branch('then', whenTrue) },
    else_branch: { kind: 'graph', value: g.branch('else', whenFalse) },
  } as const;
  const dtypes = Object.values(attributes).map(({ value }) => value.outputs[0]?.dtype);
  const [dtype = 'float32', other] = dtypes;
  if (dtype !== other) return fail(g, 'If', 'branches of one type', condition);
  return g.emit({ op: 'If', inputs: [condition], attributes, dtype, shape });
}
