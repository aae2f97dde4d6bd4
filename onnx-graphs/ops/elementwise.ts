/**
 * Operators that work element by element, broadcasting their operands:
 * https://github.com/onnx/onnx/blob/v1.17.0/docs/Operators.md
 */
import type { DType } from '../../src/core/dtype.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Attribute } from '../onnx/graph-plan.ts';
import type { Value } from '../onnx/value.ts';
import { broadcast, requireDtype } from './shape-rules.ts';

/** a + b */
export function add(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Add', a, b);
}

/** a - b */
export function sub(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Sub', a, b);
}

/** a · b */
export function mul(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Mul', a, b);
}

/** a / b; rounds towards zero for integers. */
export function div(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Div', a, b);
}

/** Remainder of a / b for integers; it has the sign of b. */
export function mod(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Mod', a, b);
}

/** The smaller of a and b. */
export function min(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Min', a, b);
}

/** The larger of a and b. */
export function max(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Max', a, b);
}

/** a ≤ b, as bool. */
export function lessOrEqual(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'LessOrEqual', a, b, 'bool');
}

/** a > b, as bool. */
export function greater(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Greater', a, b, 'bool');
}

/** a ∧ b of bools. */
export function and(g: GraphBuilder, a: Value, b: Value): Value {
  requireDtype(g, 'And', [a, b], 'bool');
  return binary(g, 'And', a, b);
}

/** a ∨ b of bools. */
export function or(g: GraphBuilder, a: Value, b: Value): Value {
  requireDtype(g, 'Or', [a, b], 'bool');
  return binary(g, 'Or', a, b);
}

/** a where `condition` holds, else b. */
export function where(g: GraphBuilder, condition: Value, a: Value, b: Value): Value {
  requireDtype(g, 'Where', [condition], 'bool');
  requireDtype(g, 'Where', [a, b]);
  const shape = broadcast(g, 'Where', condition, a, b);
  return g.emit({ op: 'Where', inputs: [condition, a, b], dtype: a.dtype, shape });
}

/** The elements as another type. */
export function cast(g: GraphBuilder, x: Value, dtype: 'int32' | 'int64' | 'float32'): Value {
  const to = { float32: 1, int32: 6, int64: 7 }[dtype];
  return g.emit({ op: 'Cast', inputs: [x], attributes: { to: { kind: 'int', value: to } }, dtype, shape: x.shape });
}

/** An operator of one float operand that leaves its shape alone, named as in ONNX: `Tanh`, `Gelu`, `Softmax` … */
export function unary(
  g: GraphBuilder,
  op: string,
  x: Value,
  attributes: Readonly<Record<string, Attribute>> = {},
): Value {
  requireDtype(g, op, [x], 'float32');
  return g.emit({ op, inputs: [x], attributes, dtype: x.dtype, shape: x.shape });
}

function binary(g: GraphBuilder, op: string, a: Value, b: Value, dtype: DType = a.dtype): Value {
  requireDtype(g, op, [a, b]);
  return g.emit({ op, inputs: [a, b], dtype, shape: broadcast(g, op, a, b) });
}
