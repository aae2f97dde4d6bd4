import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { type AnswerMetric, averageScores, scoreAnswer } from '../../src/tasks/evaluation/answer-metrics.ts';

interface Recorded {
  readonly answer: string;
  readonly truth: string;
  readonly cmrc: readonly [number, number];
  readonly webqa: readonly [number, number];
}

const FILE = new URL('../fixtures/evaluation/expected.json', import.meta.url);
const recorded: readonly Recorded[] = JSON.parse(readFileSync(FILE, 'utf8'));

describe('answer metrics', () => {
  for (const metric of ['cmrc', 'webqa'] as const) {
    it(`gives the ${metric} script's exact match and F1 on ${recorded.length} pairs`, () => {
      for (const { answer, truth, ...expected } of recorded) {
        const { exactMatch, f1 } = scoreAnswer(answer, [truth], metric);
        assert.equal(exactMatch, expected[metric][0], `${answer} / ${truth}`);
        assert.ok(Math.abs(f1 - expected[metric][1]) < 1e-12, `${answer} / ${truth}: ${f1}`);
      }
    });

    it(`gives an answer equal to its truth full marks under ${metric}`, () => {
      fc.assert(
        fc.property(fc.string({ unit: fc.constantFrom(...'北京大学abc12'), minLength: 1 }), text => {
          assert.deepEqual(scoreAnswer(text, [text], metric), { exactMatch: 1, f1: 1 });
        }),
      );
    });
  }

  // From the scripts themselves: CMRC's with NLTK on Python 3, SogouQA's on Python 2, whose strings are bytes.
  it('knows letters, digits and white space where the scripts know them, and nowhere else', () => {
    const cases: readonly [AnswerMetric, string, string, number, number][] = [
      ['cmrc', 'été 12', "'été 12", 0, 0.8],
      ['cmrc', '٣ a', '3,٣ a', 0, 0.5],
      ['cmrc', '李', '\x85李', 1, 1],
      ['webqa', 'CAFÉ', 'café', 0, 0.75],
      ['webqa', 'Ⅷ 号', 'ⅷ号', 0, 0.5],
      ['webqa', '北京\u00a0大学', '北京大学', 0, 8 / 9],
      ['webqa', ' New York ', 'york new', 1, 1],
      ['webqa', 'ＡＢＣ', 'abc', 1, 1],
    ];
    for (const [metric, answer, truth, exactMatch, f1] of cases) {
      const score = scoreAnswer(answer, [truth], metric);
      assert.equal(score.exactMatch, exactMatch, `${answer} / ${truth}`);
      assert.ok(Math.abs(score.f1 - f1) < 1e-12, `${answer} / ${truth}: ${score.f1}`);
    }
  });

  it('takes the best of several truths', () => {
    assert.deepEqual(scoreAnswer('北京', ['上海', '北京'], 'cmrc'), { exactMatch: 1, f1: 1 });
  });

  it('meets an empty truth with an empty answer only', () => {
    assert.deepEqual(scoreAnswer('', [''], 'webqa'), { exactMatch: 1, f1: 1 });
    assert.equal(scoreAnswer('北京', [''], 'cmrc').exactMatch, 0);
    assert.equal(scoreAnswer('', ['北京'], 'cmrc').f1, 0);
  });

  it('averages', () => {
    assert.deepEqual(
      averageScores([
        { exactMatch: 1, f1: 1 },
        { exactMatch: 0, f1: 0.5 },
      ]),
      { exactMatch: 0.5, f1: 0.75, count: 2 },
    );
    assert.deepEqual(averageScores([]), { exactMatch: 0, f1: 0, count: 0 });
  });
});
