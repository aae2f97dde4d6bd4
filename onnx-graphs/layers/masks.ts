/**
 * Which positions attention may see, computed inside the graph from its inputs, and the bias that hides the others.
 *
 * A position k > 0 is padding when its token is 0 or, where segments share the token table, its segment is 0; the first
 * position never is. Causal: k ≤ q. Prefix (UniLM, Dong et al. 2019, https://arxiv.org/abs/1905.03197): with c the running
 * sum of segment ids, c[k] ≤ c[q]. Rules hold together. Since position 0 is visible to every query, no row is all hidden,
 * and the lowest float32 hides as well as -∞: it absorbs any score that is added, and its exponential is exactly 0.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L359-L406
 */
import type { AttentionRules } from '../../src/core/manifest.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { and, greater, lessOrEqual, or, where } from '../ops/elementwise.ts';
import { extentOf, unsqueeze } from '../ops/layout.ts';
import { cumSum, range } from '../ops/linear.ts';

/** The lowest finite float32. */
export const LOWEST = -3.4028234663852886e38;

/** What a mask is computed from: int64 [B, T]. */
export interface SequenceInputs {
  readonly tokens: Value;
  readonly segments?: Value;
}

/** 0 where attention may look and the lowest float32 elsewhere: [B, 1, T, T], or [B, 1, 1, T] for padding alone. */
export function attentionBias(g: GraphBuilder, inputs: SequenceInputs, rules: AttentionRules): Value {
  const at = g.at('Attention-Mask');
  const places = range(at.at('places'), extentOf(at.at('places'), inputs.tokens, 1)); // [T]
  const keys = unsqueeze(at.at('keys'), visibleKeys(at.at('keys'), inputs, places, rules), 1); // [B, 1, T]
  return unsqueeze(at, hiddenBias(at, seenTogether(at, { keys, places, ...inputs }, rules)), 1);
}

/** 0 where `visible` holds and the lowest float32 elsewhere, in its shape. */
export function hiddenBias(g: GraphBuilder, visible: Value): Value {
  return where(g, visible, g.constant('float32', [0]), g.constant('float32', [LOWEST]));
}

function visibleKeys(g: GraphBuilder, inputs: SequenceInputs, places: Value, rules: AttentionRules): Value {
  const zero = g.constant('int64', [0]);
  const tokens = greater(g.at('tokens'), inputs.tokens, zero);
  const { segments } = inputs;
  const filled =
    rules.segmentPadding && segments !== undefined ? and(g, tokens, greater(g.at('segments'), segments, zero)) : tokens;
  return or(g, filled, lessOrEqual(g.at('first'), places, zero)); // [B, T]
}

function seenTogether(
  g: GraphBuilder,
  inputs: SequenceInputs & { readonly keys: Value; readonly places: Value },
  rules: AttentionRules,
): Value {
  const { keys, places, segments } = inputs;
  if (rules.visibility === 'causal') return and(g, keys, noLater(g.at('causal'), places, 0)); // [B, T, T]
  if (rules.visibility === 'prefix' && segments !== undefined)
    return and(g, keys, noLater(g.at('prefix'), cumSum(g.at('prefix'), segments, 1), 1)); // [B, T, T]
  return keys; // [B, 1, T]
}

/** order[k] ≤ order[q] along `axis`, with queries in rows: [..., T] → [..., T, T]. */
function noLater(g: GraphBuilder, order: Value, axis: number): Value {
  return lessOrEqual(g, unsqueeze(g.at('keys'), order, axis), unsqueeze(g.at('queries'), order, axis + 1));
}
