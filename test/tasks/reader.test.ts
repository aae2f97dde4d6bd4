/**
 * Readers over real files: which one suits a model, what they refuse, and that an answer does not depend on company.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AbortedError, ConfigError, InputError } from '../../src/core/errors.ts';
import type { Model } from '../../src/model.ts';
import type { AnswerOptions, MlmAnswer, ReadingComprehension, Seq2SeqAnswer } from '../../src/tasks/answer.ts';
import { createMlmReader } from '../../src/tasks/mlm-reader.ts';
import { createReader } from '../../src/tasks/reader.ts';
import { createSeq2SeqReader } from '../../src/tasks/seq2seq-reader.ts';
import { exampleFile, openExample, readLines } from '../parity/example-models.ts';
import { withTasks } from './with-tasks.ts';

interface Example {
  readonly question: string;
  readonly passages: readonly string[];
}

const LENGTHS = { maxPassageLen: 128, maxQuestionLen: 32, maxAnswerLen: 16 };
const EXAMPLES = readLines(exampleFile('qa-mlm', 'examples.jsonl')) as readonly Example[];
const { question, passages } = EXAMPLES.find(example => example.passages.length > 3) ?? assert.fail();

for (const name of ['qa-unilm', 'qa-mlm'] as const) {
  describe(`reader of ${name}`, () => {
    let model: Model;
    let close: () => Promise<void>;
    let reader: ReadingComprehension;
    before(async () => {
      ({ model, close } = await openExample(name, { tasks: { answer: LENGTHS } }));
      reader = await createReader(model);
    });
    after(() => close());

    it('is the one that suits the model', async () => {
      const { kind } = await reader.answer(question, passages);
      assert.equal(kind, name === 'qa-mlm' ? 'mlm' : 'seq2seq');
      await assert.rejects(name === 'qa-mlm' ? createSeq2SeqReader(model) : createMlmReader(model), ConfigError);
    });

    it('takes empty passages and an empty question, but not an empty list', async () => {
      const { answer, passages: all } = await reader.answer(question, ['', ...passages, '']);
      assert.equal(answer, (await reader.answer(question, passages)).answer);
      assert.equal(all.length, passages.length + 2);
      assert.equal((await reader.answer('', [''])).answer, '');
      await assert.rejects(reader.answer(question, []), InputError);
    });

    it('refuses options that are unknown, out of range or empty', async () => {
      const wrong: readonly object[] = [
        { topk: 3 },
        { maxPassageLen: 2 },
        { maxAnswerLen: 0 },
        { maxQuestionLen: 10.5 },
        { maxQuestionLen: null },
        { maxQuestionLen: '32' },
        ...(name === 'qa-mlm'
          ? [{ topK: 1 }, { mode: 'extractive' }]
          : [{ topK: 0 }, { mode: 'free' }, { mode: null }]),
      ];
      for (const options of wrong) {
        await assert.rejects(
          reader.answer(question, passages, options as AnswerOptions),
          ConfigError,
          JSON.stringify(options),
        );
      }
    });

    it('reads the manifest strictly, and lets calls override it', async () => {
      await assert.rejects(createReader(withTasks(model, { answer: { maxLen: 3 } })), /maxLen/);
      await assert.rejects(createReader(withTasks(model, { answer: { maxAnswerLen: null } })), ConfigError);
      const short = await createReader(withTasks(model, { answer: { ...LENGTHS, maxAnswerLen: 1 } }));
      assert.equal((await short.answer(question, passages)).tokenIds.length, 1);
      const full = await short.answer(question, passages, { maxAnswerLen: 16 });
      assert.deepEqual(full.tokenIds, (await reader.answer(question, passages)).tokenIds);
    });

    it('says so when a text is longer than the model', async () => {
      const wide = { maxPassageLen: 500 };
      await assert.rejects(reader.answer(question, ['长'.repeat(400)], wide), InputError);
      // Nothing stays behind: the next question is answered.
      await reader.answer(question, passages);
    });

    it('stops when asked to', async () => {
      await assert.rejects(reader.answer(question, passages, { signal: AbortSignal.abort() }), AbortedError);
    });

    it('finds answers in the text as it was given', async () => {
      const passage = '📘𠀀《丹湖兴》、又名；丹湖，是一部电影。《丹湖兴》的导演是吕楼强。';
      const { answer, spans } = await reader.answer('《丹湖兴》的导演是谁？', [passage, '无关的一句话。', passage]);
      assert.notEqual(answer, '');
      assert.ok(spans.length > 1);
      for (const { passage: index, start, end } of spans) {
        assert.notEqual(index, 1);
        assert.equal(passage.slice(start, end), answer);
      }
    });
  });
}

describe('answers and their company', () => {
  let close: () => Promise<void>;
  let reader: ReadingComprehension<MlmAnswer>;
  before(async () => {
    const opened = await openExample('qa-mlm', { tasks: { answer: LENGTHS } });
    close = opened.close;
    reader = await createMlmReader(opened.model);
  });
  after(() => close());

  const shuffled = fc
    .constantFrom(...EXAMPLES)
    .chain(example =>
      fc
        .shuffledSubarray([...example.passages], { minLength: example.passages.length })
        .map(order => ({ asked: example.question, order })),
    );

  it('a masked reader reads each passage as if it were the only one', async () => {
    await fc.assert(
      fc.asyncProperty(shuffled, async ({ asked, order }) => {
        const together = await reader.answer(asked, order);
        for (const [i, passage] of order.entries()) {
          const [alone] = (await reader.answer(asked, [passage])).passages;
          const found = together.passages[i] ?? assert.fail();
          assert.deepEqual(found.tokenIds, alone?.tokenIds);
          found.probabilities.forEach((p, at) => {
            assert.ok(Math.abs(p - (alone?.probabilities[at] ?? 9)) < 1e-5);
          });
        }
      }),
      { numRuns: 8 },
    );
  });
});

describe('votes of a seq2seq reader', () => {
  let close: () => Promise<void>;
  let reader: ReadingComprehension<Seq2SeqAnswer>;
  before(async () => {
    const opened = await openExample('qa-unilm', { tasks: { answer: LENGTHS } });
    close = opened.close;
    reader = await createSeq2SeqReader(opened.model);
  });
  after(() => close());

  it('do not depend on the order of the passages, and overlapping calls do not mix', async () => {
    const examples = EXAMPLES.slice(0, 12);
    const forward = await Promise.all(examples.map(example => reader.answer(example.question, example.passages)));
    for (const [i, example] of examples.entries()) {
      const { tokenIds, score, passages: votes } = forward[i] ?? assert.fail();
      const reversed = await reader.answer(example.question, [...example.passages].reverse());
      assert.deepEqual(reversed.tokenIds, tokenIds);
      assert.ok(Math.abs(reversed.score - score) < 1e-4);
      assert.deepEqual(
        reversed.passages.map(vote => vote.kept).reverse(),
        votes.map(vote => vote.kept),
      );
    }
  });
});
