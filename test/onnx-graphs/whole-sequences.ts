/**
 * Made-up sequences for tests of graphs that share a model, and what the whole forward pass gives for them.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Numbers, TINY, type TinyModel } from './run-graph.ts';

/** Token ids of the small models. */
export const VOCABULARY = Number(TINY['vocab_size']);

/** Sequences of one length. */
export interface Batch {
  readonly tokens: readonly (readonly number[])[];
  readonly segments: readonly (readonly number[])[];
}

/** One or two sequences of one length, with zeros in odd places; segments run from 0 to 1 now and then, or at random. */
export function sequenceBatch(longest: number): fc.Arbitrary<Batch> {
  return fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: longest })).chain(([size, length]) => {
    const token = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: VOCABULARY - 1 }) }, fc.constant(0));
    const split = fc.nat(length).map(at => Array.from({ length }, (_, i) => (i < at ? 0 : 1)));
    const random = fc.array(fc.nat(1), { minLength: length, maxLength: length });
    const rows = <T>(row: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(row, { minLength: size, maxLength: size });
    return fc.record({
      tokens: rows(fc.array(token, { minLength: length, maxLength: length })),
      segments: rows(fc.oneof(split, random)),
    });
  });
}

/** What the whole forward pass, and the reading graph besides its rows, is fed. */
export function wholeFeeds({ model, facts }: TinyModel, { tokens, segments }: Batch): Record<string, Numbers> {
  const shape = [tokens.length, tokens[0]?.length ?? 0];
  const positions = tokens.flatMap(row => row.map((_, i) => i));
  const takesPositions = model.plan.inputs.some(({ name }) => name === 'position_ids');
  return {
    input_ids: { shape, data: tokens.flat() },
    ...(facts.dimensions.segmentVocabSize > 0 && { token_type_ids: { shape, data: segments.flat() } }),
    ...(takesPositions && { position_ids: { shape, data: positions } }),
  };
}

/** Logits of all positions by the whole forward pass, [B, T, V]. */
export async function wholeLogits(tiny: TinyModel, batch: Batch): Promise<Numbers> {
  const { logits } = await tiny.model.run(wholeFeeds(tiny, batch));
  assert.ok(logits);
  return logits;
}
