/**
 * Rotary positions (Su et al. 2021, https://arxiv.org/abs/2104.09864): each pair of neighbouring elements of a query or key
 * at position p is turned by the angle p ωᵢ, ωᵢ = 10000^(-2i/H), so that products depend on distances alone:
 *
 *   (x₂ᵢ, x₂ᵢ₊₁) → (x₂ᵢ cos p ωᵢ - x₂ᵢ₊₁ sin p ωᵢ, x₂ᵢ₊₁ cos p ωᵢ + x₂ᵢ sin p ωᵢ)
 *
 * In a row that is x · cos + (x P) · (∓sin) with the permutation P that exchanges neighbours: a product, which every device
 * does fast, where strided slices are slow. Keys are turned before they go into a cache.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/backend.py#L349-L366
 *
 * B batch, T length, Q queries, N heads, H size of a head's queries and keys.
 */
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, and, cast, lessOrEqual, mul, where } from '../ops/elementwise.ts';
import { expandTo, extentOf, unsqueeze } from '../ops/layout.ts';
import { matMul, range } from '../ops/linear.ts';
import type { Attention } from './attention.ts';
import type { ModelInputs } from './sequence-inputs.ts';
import { sineAndCosine } from './sine-cosine.ts';

/** Where the tokens of a sequence model stand: where its caller says, [B, T], else at 0 … T-1, [1, T]. */
export function sequencePositions(g: GraphBuilder, { tokens, positions }: ModelInputs): Value {
  const at = g.at('Embedding-Rotary-Position').at('sequence');
  return positions ?? unsqueeze(at, range(at, extentOf(at, tokens, 1)), 0);
}

/** The same for every row of a batch, [B, T], so that rows can be picked from it. */
export function rowPositions(g: GraphBuilder, inputs: ModelInputs): Value {
  const { tokens, positions } = inputs;
  if (positions !== undefined) return positions;
  const at = g.at('Embedding-Rotary-Position').at('rows');
  const extents = [extentOf(at.at('batch'), tokens, 0), extentOf(at.at('length'), tokens, 1)] as const;
  return expandTo(at, sequencePositions(g, inputs), extents);
}

/** Attention between queries and keys that are turned by their positions, int64 [B or 1, T]. */
export function rotaryAttention(
  root: GraphBuilder,
  attention: Attention,
  { positions, keySize }: { readonly positions: Value; readonly keySize: number },
): Attention {
  const g = root.at('Embedding-Rotary-Position');
  const { sine, cosine: cosines } = sineAndCosine(g, anglesOf(g, positions, keySize)); // [B, T, H]
  const sines = mul(g.at('signs'), sine, g.constant('float32', alternating(keySize), [keySize]));
  const exchange = neighboursExchanged(g.at('neighbours'), keySize); // [H, H]
  const all = { cosines: ofAllHeads(g, 'cosines', cosines), sines: ofAllHeads(g, 'sines', sines), exchange };
  const ofQueries = (at: GraphBuilder, layer: number): Turn => {
    const read = attention.rows(at.at('cosines'), layer, cosines);
    if (read === cosines) return all;
    const readSines = attention.rows(at.at('sines'), layer, sines);
    return { cosines: ofAllHeads(at, 'cosines', read), sines: ofAllHeads(at, 'sines', readSines), exchange };
  };
  return {
    rows: attention.rows,
    attend(at, layer, { query, key, value }, residual) {
      const turned = {
        query: turn(at.at('query'), query, ofQueries(at, layer)),
        key: turn(at.at('key'), key, all),
        value,
      };
      return attention.attend(at, layer, turned, residual);
    },
  };
}

/** [B, T, H] → [B, 1, T, H] */
function ofAllHeads(g: GraphBuilder, name: string, x: Value): Value {
  return unsqueeze(g.at(name), x, 1);
}

interface Turn {
  /** [B or 1, 1, T or Q, H] */
  readonly cosines: Value;
  /** Likewise, with the signs of the formula. */
  readonly sines: Value;
  readonly exchange: Value;
}

/** x [B, N, T, H] → [B, N, T, H] */
function turn(root: GraphBuilder, x: Value, { cosines, sines, exchange }: Turn): Value {
  const g = root.at('rotary');
  const across = mul(g.at('neighbours'), matMul(g.at('neighbours'), x, exchange), sines);
  return add(g, mul(g, x, cosines), across);
}

/** p ωᵢ, twice each: [B, T, H]. By way of int32, since WebGPU has no cast from int64 to float. */
function anglesOf(g: GraphBuilder, positions: Value, size: number): Value {
  const places = cast(g.at('places'), cast(g.at('positions'), positions, 'int32'), 'float32');
  const frequencies = elements(size, i => Math.fround(10000 ** ((-2 * Math.floor(i / 2)) / size)));
  return mul(g.at('angles'), unsqueeze(g.at('places'), places, 2), g.constant('float32', frequencies, [size]));
}

/** [H, H]: 1 where row and column are the two elements of a pair. */
function neighboursExchanged(g: GraphBuilder, size: number): Value {
  const columns = g.constant(
    'int64',
    elements(size, i => i),
    [size],
  );
  const rows = g.constant(
    'int64',
    elements(size, i => i ^ 1),
    [size, 1],
  );
  const equal = and(g, lessOrEqual(g.at('from'), rows, columns), lessOrEqual(g.at('to'), columns, rows));
  return where(g, equal, g.constant('float32', [1]), g.constant('float32', [0]));
}

function alternating(size: number): number[] {
  return elements(size, i => (i % 2 === 0 ? -1 : 1));
}

function elements(size: number, element: (i: number) => number): number[] {
  return Array.from({ length: size }, (_, i) => element(i));
}
