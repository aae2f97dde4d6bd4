/**
 * The activations that bert4keras configurations name. `gelu` stands for one of two functions, as in bert4keras, where a
 * program may call `set_gelu('tanh')`; checkpoints do not record which.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/backend.py#L35-L58
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { mul, unary } from '../ops/elementwise.ts';

type ActivationFunction = (g: GraphBuilder, x: Value) => Value;

const ACTIVATIONS = {
  linear: (_, x) => x,
  /** x Φ(x), with the error function. */
  gelu_erf: (g, x) => unary(g, 'Gelu', x),
  /** ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) */
  gelu_tanh: (g, x) => unary(g, 'Gelu', x, { approximate: { kind: 'string', value: 'tanh' } }),
  relu: (g, x) => unary(g, 'Relu', x),
  leaky_relu: (g, x) => unary(g, 'LeakyRelu', x, { alpha: { kind: 'float', value: 0.2 } }),
  /** x σ(x) */
  swish: (g, x) => mul(g, x, unary(g, 'Sigmoid', x)),
  tanh: (g, x) => unary(g, 'Tanh', x),
  sigmoid: (g, x) => unary(g, 'Sigmoid', x),
  /** max(0, min(1, 0.2 x + 0.5)), ONNX's defaults as well as Keras' */
  hard_sigmoid: (g, x) => unary(g, 'HardSigmoid', x),
  softmax: (g, x) => unary(g, 'Softmax', x, { axis: { kind: 'int', value: -1 } }),
  softplus: (g, x) => unary(g, 'Softplus', x),
  softsign: (g, x) => unary(g, 'Softsign', x),
  elu: (g, x) => unary(g, 'Elu', x),
  selu: (g, x) => unary(g, 'Selu', x),
  exponential: (g, x) => unary(g, 'Exp', x),
} satisfies Record<string, ActivationFunction>;

/** An activation; `gelu` is resolved to one of its two forms when a configuration is read. */
export type Activation = keyof typeof ACTIVATIONS;

/** Which function `gelu` means. */
export type GeluForm = 'erf' | 'tanh';

/** The activation of a name in a configuration, or undefined when there is none of that name. */
export function activationNamed(name: string, gelu: GeluForm): Activation | undefined {
  if (name === 'gelu') return `gelu_${gelu}`;
  return isActivation(name) ? name : undefined;
}

/** Names that a configuration may use. */
export function activationNames(): readonly string[] {
  return ['gelu', ...Object.keys(ACTIVATIONS)];
}

/** Applies an activation, element by element (softmax: over the last axis). */
export function activate(g: GraphBuilder, activation: Activation, x: Value): Value {
  return ACTIVATIONS[activation](g, x);
}

function isActivation(name: string): name is Activation {
  return Object.hasOwn(ACTIVATIONS, name);
}
