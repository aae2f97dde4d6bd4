/**
 * The reading graph of a masked model gives what the whole forward pass gives, for the rows that are asked for.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { assertClose, rowsOf } from './arrays.ts';
import { openTiny, type TinyModel } from './run-graph.ts';
import { type Batch, sequenceBatch, VOCABULARY, wholeFeeds, wholeLogits } from './whole-sequences.ts';

/** Model and keywords; `longest` reaches beyond ±64 where positions are relative. */
const MODELS: readonly (readonly [model: string, keywords: JsonObject, longest?: number])[] = [
  ['bert', {}],
  ['bert', { residual_attention_scores: true }],
  ['bert', { shared_segment_embeddings: true, segment_vocab_size: VOCABULARY }],
  ['bert', { segment_vocab_size: 0, hierarchical_position: true, max_position: 8 }],
  ['bert', { attention_key_size: 6, attention_head_size: 10, custom_position_ids: true }],
  ['albert', { embedding_size: 8 }],
  ['albert', { residual_attention_scores: true, num_hidden_layers: 3 }],
  ['albert_unshared', {}],
  ['nezha', {}, 150],
  ['nezha', { residual_attention_scores: true }, 100],
  ['nezha', { custom_position_ids: true, num_hidden_layers: 1 }, 100],
  ['roformer', {}, 150],
  ['roformer', { residual_attention_scores: true }],
  ['roformer', { custom_position_ids: true, attention_key_size: 6, attention_head_size: 10 }],
  ['roformer_v2', { embedding_size: 8 }],
  ['roformer_v2', { residual_attention_scores: true }],
];

for (const [name, keywords, longest = 30] of MODELS) {
  describe(`reading graph of ${name} ${JSON.stringify(keywords)}`, () => {
    let tiny: TinyModel;
    before(async () => {
      tiny = await openTiny(name, { with_mlm: true, ...keywords });
    });
    after(async () => {
      await tiny.model.release();
      await tiny.read?.release();
    });

    it('agrees with the whole model in any rows of any sequence, those of each its own', () =>
      fc.assert(
        fc.asyncProperty(sequenceBatch(longest), fc.array(fc.nat(longest), { minLength: 1 }), async (batch, places) => {
          const length = batch.tokens[0]?.length ?? 0;
          const rows = batch.tokens.map((_, b) => places.map(place => (place + b) % length));
          const whole = await wholeLogits(tiny, batch);
          const expected = batch.tokens.flatMap((_, b) => rowsOf(sequenceOf(whole, b), rows[b] ?? []));
          assertClose(await readLogits(tiny, batch, rows), expected, 1e-5);
        }),
        { numRuns: 25 },
      ));
  });
}

describe('reading graph', () => {
  it('takes sequences of any length of a model that was built for one', async () => {
    const tiny = await openTiny('bert', { with_mlm: true, sequence_length: 8 });
    const batch = { tokens: [[3, 4, 5]], segments: [[0, 0, 0]] };
    const padded = { tokens: [[3, 4, 5, 0, 0, 0, 0, 0]], segments: [[0, 0, 0, 0, 0, 0, 0, 0]] };
    assertClose(await readLogits(tiny, batch, [[1]]), rowsOf(await wholeLogits(tiny, padded), [1]), 1e-5);
  });

  it('is there where there are token logits and no application', async () => {
    assert.equal((await openTiny('bert', {})).read, undefined);
    assert.equal((await openTiny('bert', { application: 'unilm' })).read, undefined);
    assert.equal((await openTiny('bert', { with_mlm: true })).step, undefined);
  });
});

async function readLogits(
  tiny: TinyModel,
  batch: Batch,
  rows: readonly (readonly number[])[],
): Promise<readonly number[]> {
  const logitRows = { shape: [rows.length, rows[0]?.length ?? 0], data: rows.flat() };
  const result = await tiny.read?.run({ ...wholeFeeds(tiny, batch), logit_rows: logitRows });
  return Array.from(result?.['logits']?.data ?? []);
}

/** One sequence of [B, T, V]. */
function sequenceOf({ shape, data }: Awaited<ReturnType<typeof wholeLogits>>, b: number) {
  const [, length = 0, width = 0] = shape;
  return { shape: [1, length, width], data: Array.from(data).slice(b * length * width, (b + 1) * length * width) };
}
