import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { convert } from '../../converters/index.ts';
import { int64Tensor, type Tensor } from '../../src/core/tensor.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { memorySink } from '../../src/io/memory.ts';
import { loadModel, type Model } from '../../src/node.ts';
import { createCloze } from '../../src/tasks/cloze.ts';
import { accuracyOf } from '../../src/tasks/evaluation/accuracy.ts';

const PLACE = path.resolve(import.meta.dirname, '../../examples/models/cloze-bilstm');

interface Golden {
  readonly kind: 'cloze' | 'forward';
  readonly id: string;
  readonly text: string;
  readonly left_ids: readonly number[];
  readonly right_ids: readonly number[];
  readonly predicted: string;
  readonly candidates: readonly (readonly [number, string, number])[];
  readonly probas?: string;
  readonly scores?: string;
  readonly query?: string;
}

describe('cloze goldens', () => {
  let folder = '';
  let model: Model;
  let goldens: readonly Golden[] = [];
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-cloze-'));
    await convert(await clozeOptions(), await directorySink(path.join(folder, 'model')));
    model = await loadModel(path.join(folder, 'model'));
    const lines = (await readFile(path.join(PLACE, 'goldens.jsonl'), 'utf8')).split('\n');
    goldens = lines.flatMap(line => (line === '' ? [] : [JSON.parse(line) as Golden]));
  });
  after(async () => {
    await model.dispose();
    await rm(folder, { recursive: true });
  });

  it('gives the same words, probabilities and order, alone and in company', async () => {
    const cloze = await createCloze(model);
    const together = await cloze.answerMany(goldens.map(golden => golden.text));
    for (const [i, golden] of goldens.entries()) {
      for (const found of [together[i], await cloze.answer(golden.text)]) {
        assert.equal(found?.answer, golden.predicted, golden.id);
        const expected = [...golden.candidates].sort((a, b) => b[2] - a[2]);
        assert.deepEqual(
          found.candidates.map(({ word }) => word),
          expected.map(([, word]) => word),
          golden.id,
        );
        found.candidates.forEach(({ word, score }, rank) => {
          assert.ok(Math.abs(score - (expected[rank]?.[2] ?? Number.NaN)) < 1e-5, `${golden.id} ${word}`);
        });
      }
    }
  }).timeout(240000);

  it('is right as often as the original on the examples', async () => {
    const lines = (await readFile(path.join(PLACE, 'examples.jsonl'), 'utf8')).trim().split('\n');
    const items = lines.map(line => JSON.parse(line) as { text: string; answer: string; predicted: string });
    const answers = await (await createCloze(model)).answerMany(items.map(({ text }) => text));
    const truths = items.map(({ answer }) => answer);
    const expected = accuracyOf(
      items.map(({ predicted }) => predicted),
      truths,
    );
    assert.deepEqual(
      accuracyOf(
        answers.map(({ answer }) => answer),
        truths,
      ),
      expected,
    );
    assert.ok(expected.right > 0 && expected.right < expected.count);
  });

  it('computes the recorded probabilities, scores and queries', async () => {
    const session = await model.openGraph('model');
    for (const golden of goldens.filter(({ kind }) => kind === 'forward')) {
      const feeds = paddedFeeds([[golden.left_ids, golden.right_ids]]);
      const outputs = await session.run(feeds, ['probabilities', 'scores', 'query']);
      const recorded = { probabilities: golden.probas, scores: golden.scores, query: golden.query };
      for (const [name, base64] of Object.entries(recorded)) {
        const expected = new Float32Array(Uint8Array.from(Buffer.from(base64 ?? '', 'base64')).buffer);
        const found = outputs[name]?.data ?? [];
        assert.equal(found.length, expected.length);
        expected.forEach((value, i) => {
          const difference = Math.abs(Number(found[i]) - value);
          const bound = name === 'probabilities' ? 1e-5 : 1e-4 * Math.max(1, Math.abs(value));
          assert.ok(difference <= bound, `${golden.id} ${name}[${i}]: ${difference}`);
        });
      }
    }
  });

  it('gives a text the same probabilities beside any others in one run, and padding none', async () => {
    const session = await model.openGraph('model');
    const run = async (texts: readonly SidesOfIds[]) => {
      const { probabilities } = await session.run(paddedFeeds(texts), ['probabilities']);
      const [, width = 0] = probabilities?.shape ?? [];
      const rightStart = Math.max(...texts.map(([left]) => left.length));
      return texts.map(([left, right], lane) => {
        const row = Array.from(probabilities?.data ?? [], Number).slice(lane * width, (lane + 1) * width);
        const words = [...row.slice(0, left.length), ...row.slice(rightStart, rightStart + right.length)];
        return { words, all: row.reduce((sum, value) => sum + value, 0) };
      });
    };
    const side = fc.array(fc.integer({ min: 0, max: 6000 }), { minLength: 1, maxLength: 30 });
    const texts = fc.array(fc.tuple(side, side), { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(texts, async texts => {
        const together = await run(texts);
        for (const [i, text] of texts.entries()) {
          const [alone] = await run([text]);
          const { words = [], all = Number.NaN } = together[i] ?? {};
          assert.equal(words.length, text[0].length + text[1].length);
          words.forEach((value, n) => {
            assert.ok(Math.abs(value - (alone?.words[n] ?? Number.NaN)) < 1e-6, `text ${i}, word ${n}: ${value}`);
          });
          const ofWords = words.reduce((sum, value) => sum + value, 0);
          assert.ok(Math.abs(all - 1) < 1e-5 && Math.abs(all - ofWords) < 1e-12, `text ${i}: ${ofWords} of ${all}`);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('does not let company change an answer', async () => {
    const cloze = await createCloze(model);
    const word = fc.constantFrom('小', '猴', '桃子', '老虎', '狐狸', '不认识的词', '。');
    const words = fc.array(word, { maxLength: 20 });
    const item = fc.tuple(words, words).map(([left, right]) => [...left, 'XXXXX', ...right].join(' '));
    await fc.assert(
      fc.asyncProperty(fc.array(item, { minLength: 2, maxLength: 6 }), async items => {
        const together = await cloze.answerMany(items);
        for (const [i, text] of items.entries()) {
          const alone = await cloze.answer(text);
          const scores = new Map(alone.candidates.map(({ word, score }) => [word, score]));
          assert.equal(together[i]?.candidates.length, alone.candidates.length);
          for (const { word, score } of together[i]?.candidates ?? []) {
            assert.ok(Math.abs(score - (scores.get(word) ?? 9)) < 1e-6, `${text}: ${word}`);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it('takes document and query, cuts raw text, and wants a blank', async () => {
    const cloze = await createCloze(model);
    const joined = await cloze.answer('小 猴 吃 桃子 。\n小 兔 吃 XXXXX 。');
    assert.deepEqual(await cloze.answer({ document: '小 猴 吃 桃子 。', query: '小 兔 吃 XXXXX 。' }), joined);
    const cut = (text: string) => text.split(/(小|猴|吃|桃子|兔|。)/);
    assert.deepEqual(await cloze.answer('小猴吃桃子。小兔吃XXXXX。', { cut }), joined);
    await assert.rejects(cloze.answer('没有'), /a blank XXXXX/);
  });

  it('refuses word lists and vectors that do not fit', async () => {
    const options = await clozeOptions();
    const damage = (from: string, to: string) => {
      const text = Buffer.from(options.config).toString('latin1');
      assert.ok(text.includes(from));
      return convert(
        { ...options, config: new Uint8Array(Buffer.from(text.replace(from, to), 'latin1')) },
        memorySink(),
      );
    };
    await assert.rejects(damage('I6000', 'I5999'), { code: 'FORMAT' });
    await assert.rejects(damage('cnumpy.core.multiarray\n_reconstruct', 'cos\nsystem'), /os\.system/);
  });
});

type SidesOfIds = readonly [left: readonly number[], right: readonly number[]];

/** All texts in one run, each side padded with 0 to its longest. */
function paddedFeeds(texts: readonly SidesOfIds[]): Record<string, Tensor> {
  const side = (name: string, ids: readonly (readonly number[])[]) => {
    const longest = Math.max(...ids.map(row => row.length));
    const padded = ids.flatMap(row => [...row, ...new Array<number>(longest - row.length).fill(0)]);
    const lengths = ids.map(row => row.length);
    return {
      [`${name}_ids`]: int64Tensor(padded, [ids.length, longest]),
      [`${name}_lengths`]: int64Tensor(lengths, [ids.length]),
    };
  };
  const lefts = texts.map(([left]) => left);
  return {
    ...side('left', lefts),
    ...side(
      'right',
      texts.map(([, right]) => right),
    ),
  };
}

async function clozeOptions() {
  return {
    checkpoint: await splitPath(path.join(PLACE, 'tk/tk_highest.ckpt')),
    config: new Uint8Array(await readFile(path.join(PLACE, 'model.config'))),
    keywords: { model: 'cloze-bilstm' },
  };
}
