/**
 * The outputs of a step: the logits of each row that is read, and, for searches that need no more, its likeliest tokens.
 * Of 21,128 logits a greedy or beam search looks at a handful, and at the sum of all exponentials. To find them here takes a
 * fifth of what it takes in JavaScript, and the other logits need not leave the session.
 *
 * top_tokens [B, K, 2k+1], k = top_k: the k largest logits in descending order, of equal ones the lower id first; their ids,
 * which float32 holds exactly up to 2^24; and the softmax of the largest, from which that of any logit x follows,
 * p = p_max · exp(x - max). With top_k = 0 none of it is computed, nor where no row is read: ONNX Runtime 1.30 ends the
 * process over the largest of no rows.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { productDims, sumDims, type Value } from '../onnx/value.ts';
import { choose } from '../ops/branches.ts';
import { cast, greater, min, unary } from '../ops/elementwise.ts';
import { topK } from '../ops/indexing.ts';
import { concat, extentOf } from '../ops/layout.ts';
import { reduceMax, softmax } from '../ops/linear.ts';

/** Declares what a step says of its read rows; `logits` is [B, K, V]. */
export function outputStepLogits(g: GraphBuilder, logits: Value): void {
  g.output('logits', logits);
  const count = g.input('top_k', 'int64', [1]);
  const at = g.at('Top-Tokens');
  const nothing = g.constant('float32', [0], [1, 1, 1]);
  const wanted = min(at, count, extentOf(at.at('rows'), logits, 1).size);
  const tokens = choose(at, greater(at, wanted, g.constant('int64', [0], [1])), {
    whenTrue: branch => likeliest(branch, logits, count),
    whenFalse: branch => unary(branch, 'Identity', nothing),
    shape: ['B or 1', 'K or 1', WIDTH],
  });
  g.output('top_tokens', tokens);
}

/** Numbers of a row: k logits, k ids, one probability. */
const WIDTH = sumDims(productDims('k', 2), 1);

function likeliest(g: GraphBuilder, logits: Value, count: Value): Value {
  const { values, places } = topK(g, logits, { count, dim: 'k' });
  const probability = reduceMax(g, softmax(g, logits), -1); // [B, K, 1]
  return concat(g, [values, cast(g, places, 'float32'), probability], 2);
}
