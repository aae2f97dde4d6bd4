/**
 * Bidirectional LSTM (Hochreiter & Schmidhuber 1997) with the weights of TensorFlow's `BasicLSTMCell`:
 *
 *   i, j, f, o = [x, h] W + b;  c' = σ(f + 1) c + σ(i) tanh(j);  h' = σ(o) tanh(c')
 *
 * W is [input + H, 4H]: rows are input then state, columns the gates i, j, f, o; the forget bias of 1 is added at run time.
 * ONNX wants [directions, 4H, input] with the gates i, o, f, c, so the weights are rearranged inside the graph, where the
 * runtime does it once when it loads.
 *
 * https://github.com/tensorflow/tensorflow/blob/v1.2.1/tensorflow/python/ops/rnn_cell_impl.py#L238-L310
 *
 * B batch, T length, H state size, I input size.
 */
import type { LayerSpec } from '../architecture.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, sub } from '../ops/elementwise.ts';
import { concat, reshape, slice, transpose, unsqueeze } from '../ops/layout.ts';
import { lstm } from '../ops/recurrent.ts';

/** Directions, as layer names have them. */
const DIRECTIONS = ['Forward', 'Backward'] as const;

/** Sizes of a layer. */
export interface LstmSizes {
  readonly input: number;
  readonly hidden: number;
}

/** The layers that hold a bidirectional layer's weights. */
export function lstmLayers(name: string, { input, hidden }: LstmSizes): readonly LayerSpec[] {
  return DIRECTIONS.map(direction => ({
    name: `${name}-${direction}`,
    slots: [
      { slot: 'kernel', shape: [input + hidden, 4 * hidden] },
      { slot: 'bias', shape: [4 * hidden] },
    ],
  }));
}

/** Weights as ONNX takes them: [2, 4H, I], [2, 4H, H], [2, 8H]. Two runs of a layer share them. */
export interface LstmWeights {
  readonly input: Value;
  readonly recurrent: Value;
  readonly bias: Value;
}

/** Rearranges the weights of a bidirectional layer. */
export function lstmWeights(root: GraphBuilder, name: string, sizes: LstmSizes): LstmWeights {
  const [forward, backward] = DIRECTIONS.map(direction => directionWeights(root, `${name}-${direction}`, sizes));
  if (forward === undefined || backward === undefined) throw new RangeError('two directions');
  const both = (part: keyof LstmWeights): Value => concat(root.at(name).at(part), [forward[part], backward[part]], 0);
  return { input: both('input'), recurrent: both('recurrent'), bias: both('bias') };
}

function directionWeights(root: GraphBuilder, layer: string, { input, hidden }: LstmSizes): LstmWeights {
  const g = root.at(layer);
  const kernel = gatesInOrder(g.at('kernel'), root.weight(layer, 'kernel', [input + hidden, 4 * hidden]), hidden);
  const turned = transpose(g.at('kernel'), kernel, [1, 0]); // [4H, I+H]
  const bias = root.weight(layer, 'bias', [4 * hidden]);
  const forget = slice(g.at('forget'), bias, { axis: 0, start: 2 * hidden, end: 3 * hidden, size: hidden });
  const raised = add(g.at('forget'), forget, g.constant('float32', [1]));
  const ordered = gatesInOrder(g.at('bias'), bias, hidden, raised); // [4H]
  const none = sub(g.at('bias'), ordered, ordered); // ONNX has a second bias, TensorFlow has not
  const part = (at: string, start: number, size: number): Value =>
    unsqueeze(g.at(at), slice(g.at(at), turned, { axis: 1, start, end: start + size, size }), 0);
  return {
    input: part('input', 0, input), // [1, 4H, I]
    recurrent: part('recurrent', input, hidden), // [1, 4H, H]
    bias: unsqueeze(g.at('bias'), concat(g.at('both'), [ordered, none], 0), 0), // [1, 8H]
  };
}

/** Gates i, j, f, o along the last axis → i, o, f, j. `forget` stands in for f where it is given. */
function gatesInOrder(g: GraphBuilder, values: Value, hidden: number, forget?: Value): Value {
  const axis = values.shape.length - 1;
  const gate = (name: string, place: number): Value =>
    slice(g.at(name), values, { axis, start: place * hidden, end: (place + 1) * hidden, size: hidden });
  return concat(g, [gate('i', 0), gate('o', 3), forget ?? gate('f', 2), gate('j', 1)], axis);
}

/**
 * Runs a layer over x [T, B, I] with the sequences' lengths (int32 [B]); positions beyond a length give 0 and change
 * nothing. → [T, B, 2H], forward states then backward ones.
 */
export function bidirectionalLstm(g: GraphBuilder, x: Value, lengths: Value, weights: LstmWeights): Value {
  const states = lstm(g, x, { ...weights, lengths }); // [T, 2, B, H]
  const turned = transpose(g.at('states'), states, [0, 2, 1, 3]); // [T, B, 2, H]
  const [length = 'T', batch = 'B', , hidden = 0] = turned.shape;
  return reshape(g.at('states'), turned, [length, batch, 2 * Number(hidden)]);
}
