/**
 * The cloze task over a graph that gives every word the probability of its place, so that sums and order can be told.
 */
import assert from 'node:assert/strict';
import type { Manifest } from '../../src/core/manifest.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import type { Model } from '../../src/model.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { createCloze } from '../../src/tasks/cloze.ts';
import { createWordListTokenizer } from '../../src/tokenizers/words/word-list-tokenizer.ts';

const WORDS = ['猴', '兔', '桃子', '吃'];

/** Probabilities of places left, then right of the blank. */
type Places = readonly (readonly number[])[];

interface Run {
  /** Ids of both sides, padded, one row after the other. */
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** A model whose graph gives place n of each side `places[side][n]`, the same in every row, and 9 to padding. */
function placeModel(places: Places, runs: Run[] = [], output = 'probabilities'): Model {
  const session: GraphSession = {
    device: { device: 'cpu', reason: 'a table' },
    inputs: [],
    outputs: [{ name: output, dtype: 'float32', shape: ['B', 'L+M'] }],
    async run(feeds) {
      const sides = ['left', 'right'].map(name => ({
        ids: numbers(feeds[`${name}_ids`]),
        lengths: numbers(feeds[`${name}_lengths`]),
      }));
      const [left, right] = sides;
      runs.push({ left: left?.ids ?? [], right: right?.ids ?? [] });
      const count = left?.lengths.length ?? 0;
      const rows = Array.from({ length: count }, (_, row) =>
        sides.flatMap(({ ids, lengths }, side) =>
          Array.from({ length: ids.length / count }, (_, n) =>
            n < (lengths[row] ?? 0) ? (places[side]?.[n] ?? 0) : 9,
          ),
        ),
      );
      const shape = [count, rows[0]?.length ?? 0];
      return { probabilities: { dtype: 'float32', shape, data: Float32Array.from(rows.flat()) } };
    },
    dispose: async () => undefined,
  };
  const manifest = { architecture: 'table' } as Manifest;
  return {
    manifest,
    tokenizer: createWordListTokenizer(WORDS),
    openGraph: async () => session,
    dispose: session.dispose,
  };
}

function numbers(tensor: Tensor | undefined): number[] {
  return Array.from(tensor?.data ?? [], Number);
}

describe('cloze', () => {
  it('adds up equal words in reading order, in single precision', async () => {
    // In single precision ((1 + 2⁻²⁴) + 2⁻²⁴) is 1; added from the right, or in double precision, it is more.
    const tiny = 2 ** -24;
    const cloze = await createCloze(
      placeModel([
        [1, 0.5],
        [tiny, tiny],
      ]),
    );
    const { answer, candidates } = await cloze.answer('猴 兔 XXXXX 猴 猴');
    assert.equal(answer, '猴');
    assert.deepEqual(candidates, [
      { word: '猴', score: 1 },
      { word: '兔', score: 0.5 },
    ]);
  });

  it('orders equal scores by first appearance', async () => {
    const cloze = await createCloze(
      placeModel([
        [0.25, 0.125, 0.125],
        [0.25, 0.25],
      ]),
    );
    const { candidates } = await cloze.answer('桃子 兔 吃 XXXXX 吃 猴');
    assert.deepEqual(
      candidates.map(({ word }) => word),
      ['吃', '桃子', '猴', '兔'],
    );
  });

  it('adds up all unknown words and answers with a blank when they win', async () => {
    const cloze = await createCloze(placeModel([[0.3, 0.3], [0.4]]));
    const { answer, candidates } = await cloze.answer('龘 靐 XXXXX 猴');
    assert.equal(answer, ' ');
    assert.deepEqual(
      candidates.map(({ word }) => word),
      [' ', '猴'],
    );
  });

  it('takes an empty word and an empty side for one unknown word', async () => {
    const runs: Run[] = [];
    const cloze = await createCloze(placeModel([[1]], runs));
    for (const text of ['XXXXX', 'XXXXX 猴', ' XXXXX\n\n猴 ', '猴 XXXXX 兔 XXXXX']) await cloze.answer(text);
    assert.deepEqual(runs, [
      { left: [0], right: [0] },
      { left: [0], right: [1] },
      { left: [0], right: [1, 0] },
      { left: [1], right: [2, 0] },
    ]);
  });

  it('keeps the order of items whatever the batches, padding left out', async () => {
    const cloze = await createCloze(
      placeModel([
        [0.5, 0.25, 0.125],
        [0.5, 0.25, 0.125],
      ]),
    );
    const texts = ['猴 XXXXX 兔 兔 吃', '猴 兔 兔 XXXXX 吃', 'XXXXX 猴'];
    const alone = await Promise.all(texts.map(text => cloze.answer(text)));
    for (const maxBatchTokens of [1, 8, 1000]) {
      assert.deepEqual(await cloze.answerMany(texts, { maxBatchTokens }), alone);
    }
    assert.deepEqual(await cloze.answerMany([]), []);
  });

  it('refuses texts without a blank, other models and options out of range', async () => {
    const cloze = await createCloze(placeModel([[1]]));
    for (const item of ['猴 兔', '', '猴XXXXX兔', { document: '猴', query: '兔' }]) {
      await assert.rejects(cloze.answer(item), { code: 'INPUT', message: /a blank XXXXX/ });
    }
    await assert.rejects(cloze.answer('XXXXX', { maxBatchTokens: 0 }), { code: 'CONFIG' });
    await assert.rejects(createCloze(placeModel([[1]], [], 'logits')), { code: 'CONFIG', message: /a cloze reader/ });
    await assert.rejects(createCloze({ ...placeModel([[1]]), tokenizer: null }), { code: 'CONFIG' });
  });

  it('stops when it is told to', async () => {
    const runs: Run[] = [];
    const cloze = await createCloze(placeModel([[1]], runs));
    await assert.rejects(cloze.answer('XXXXX', { signal: AbortSignal.abort() }), { code: 'ABORTED' });
    assert.deepEqual(runs, []);
  });
});
