/**
 * Each logits processor on small rows, their table, and which of them commute.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError } from '../../src/core/errors.ts';
import {
  createProcessors,
  type ProcessorName,
  type ProcessorOptions,
  processors,
} from '../../src/decode/processors/index.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis } from '../../src/decode/scorer.ts';

const NO = Number.NEGATIVE_INFINITY;

function hypothesisOf(tokenIds: readonly number[]): Hypothesis {
  return tokenIds.reduce(extendHypothesis, rootHypothesis());
}

interface Setting {
  readonly generated?: readonly number[];
  readonly prompt?: readonly number[];
  readonly endId?: number;
}

/** The row after the processors of `options`. */
function process(options: ProcessorOptions, row: readonly number[], setting: Setting = {}): number[] {
  const { generated = [], prompt = [], endId = row.length - 1 } = setting;
  const scores = Float64Array.from(row);
  const context = { step: generated.length, endId, promptTokenIds: prompt };
  for (const apply of createProcessors(options)) apply(scores, hypothesisOf(generated), context);
  return Array.from(scores);
}

function kept(options: ProcessorOptions, row: readonly number[], setting: Setting = {}): number[] {
  return [...process(options, row, setting).entries()].filter(([, score]) => score > NO).map(([id]) => id);
}

const logs = (...probabilities: number[]) => probabilities.map(Math.log);

describe('logits processors', () => {
  it('repetitionPenalty divides positive and multiplies negative scores, once per token, prompt included', () => {
    const setting = { generated: [0, 0], prompt: [1] };
    assert.deepEqual(process({ repetitionPenalty: 2 }, [4, -1, 3], setting), [2, -2, 3]);
  });

  it('presencePenalty counts a generated token once, frequencyPenalty each time; the prompt not at all', () => {
    const setting = { generated: [0, 0, 2], prompt: [1] };
    assert.deepEqual(process({ presencePenalty: 0.5 }, [1, 1, 1], setting), [0.5, 1, 0.5]);
    assert.deepEqual(process({ frequencyPenalty: 0.5 }, [1, 1, 1], setting), [0, 1, 0.5]);
  });

  it('noRepeatNgram rules out what would complete an n-gram a second time', () => {
    const row = [0, 0, 0, 0];
    assert.deepEqual(kept({ noRepeatNgram: 2 }, row, { prompt: [1, 2], generated: [3, 1] }), [0, 1, 3]);
    assert.deepEqual(kept({ noRepeatNgram: 1 }, row, { prompt: [1], generated: [3] }), [0, 2]);
    assert.deepEqual(kept({ noRepeatNgram: 3 }, row, { generated: [1] }), [0, 1, 2, 3]);
  });

  it('badWords rules out single tokens always, the last of several behind the others', () => {
    const options = { badWords: [[0], [1, 2]] };
    assert.deepEqual(kept(options, [0, 0, 0]), [1, 2]);
    assert.deepEqual(kept(options, [0, 0, 0], { generated: [1] }), [1]);
    assert.deepEqual(kept(options, [0, 0, 0], { prompt: [1] }), [1]);
  });

  it('minNewTokens holds the end token back', () => {
    assert.deepEqual(kept({ minNewTokens: 2 }, [0, 0, 0], { generated: [0] }), [0, 1]);
    assert.deepEqual(kept({ minNewTokens: 2 }, [0, 0, 0], { generated: [0, 1] }), [0, 1, 2]);
  });

  it('suppressTokens, allowedTokens and forcedPrefix', () => {
    assert.deepEqual(kept({ suppressTokens: [1, 77] }, [0, 0, 0]), [0, 2]);
    const allowedTokens = (tokenIds: readonly number[]) => [tokenIds.length, 2];
    assert.deepEqual(process({ allowedTokens }, [5, 6, 7, 8], { generated: [0] }), [NO, 6, 7, NO]);
    assert.deepEqual(process({ forcedPrefix: [3, 1] }, [5, 6, 7, 8], { generated: [3] }), [NO, 0, NO, NO]);
    assert.deepEqual(process({ forcedPrefix: [3] }, [5, 6], { generated: [3] }), [5, 6]);
  });

  it('allowedSequences follows a trie and lets a sequence end where one does', () => {
    const allowedSequences = [[0, 1], [0, 1, 2], [2]];
    const behind = (...generated: number[]) => kept({ allowedSequences }, [0, 0, 0, 0], { generated });
    assert.deepEqual(
      [behind(), behind(0), behind(0, 1), behind(0, 1, 2), behind(2), behind(2, 3)],
      [[0, 2], [1], [2, 3], [3], [3], [3]],
    );
  });

  it('temperature, topK, topP, minP cut as their definitions say', () => {
    assert.deepEqual(process({ temperature: 2 }, [2, -4]), [1, -2]);
    const row = logs(0.1, 0.4, 0.2, 0.3);
    assert.deepEqual(kept({ topK: 2 }, row), [1, 3]);
    assert.deepEqual(kept({ topK: 9 }, row), [0, 1, 2, 3]);
    assert.deepEqual(kept({ topK: 1 }, [1, 1, 0]), [0, 1]);
    assert.deepEqual(kept({ topP: 0.39 }, row), [1]);
    assert.deepEqual(kept({ topP: 0.41 }, row), [1, 3]);
    assert.deepEqual(kept({ topP: 1 }, row), [0, 1, 2, 3]);
    assert.deepEqual(kept({ minP: 0.6 }, row), [1, 3]);
  });

  it('typicalP keeps the tokens whose information is nearest to the entropy', () => {
    const probabilities = [0.6, 0.2, 0.1, 0.06, 0.04];
    const entropy = -probabilities.reduce((sum, p) => sum + p * Math.log(p), 0);
    const order = probabilities
      .map((p, id) => ({ p, id, far: Math.abs(-Math.log(p) - entropy) }))
      .sort((a, b) => a.far - b.far);
    for (const mass of [0.1, 0.25, 0.85, 0.95]) {
      let sum = 0;
      const last = order.findIndex(({ p }) => {
        sum += p;
        return sum >= mass;
      });
      const expected = order.slice(0, last + 1).map(({ id }) => id);
      assert.deepEqual(kept({ typicalP: mass }, logs(...probabilities)), expected.toSorted());
    }
  });

  it('cuts keep at least the likeliest token and never change a kept score', () => {
    const rowOf = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 300 });
    const optionOf = fc.constantFrom<ProcessorOptions>({ topK: 3 }, { topP: 0.7 }, { minP: 0.3 }, { typicalP: 0.6 });
    const property = (row: number[], options: ProcessorOptions) => {
      const after = process(options, row);
      assert.ok(after.some(score => score > NO));
      after.forEach((score, id) => {
        assert.ok(score === NO || score === row[id]);
      });
      if (!('typicalP' in options)) assert.ok((after[row.indexOf(Math.max(...row))] ?? NO) > NO);
    };
    fc.assert(fc.property(rowOf, optionOf, property));
  });

  it('those that only rule tokens out give the same in any order', () => {
    const rowOf = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 8, maxLength: 8 });
    const idsOf = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 6 });
    const property = (row: number[], ids: number[], generated: number[], order: readonly number[]) => {
      const options = { noRepeatNgram: 2, badWords: [[3], [1, 2]], minNewTokens: 3, suppressTokens: ids };
      const chain = createProcessors(options);
      const context = { step: generated.length, endId: 7, promptTokenIds: ids };
      const shuffled = order.flatMap(place => chain[place] ?? []);
      const [one, two] = [chain, shuffled].map(list => {
        const scores = Float32Array.from(row);
        for (const apply of list) apply(scores, hypothesisOf(generated), context);
        return scores;
      });
      assert.deepEqual(one, two);
    };
    const orderOf = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
    fc.assert(fc.property(rowOf, idsOf, idsOf, orderOf, property));
  });

  it('refuse values out of range, by name, and unknown names', () => {
    const wrong: Partial<Record<ProcessorName, unknown[]>> = {
      repetitionPenalty: [0, -1, Number.NaN],
      presencePenalty: [Number.POSITIVE_INFINITY],
      frequencyPenalty: [Number.NaN],
      noRepeatNgram: [0, 1.5],
      badWords: [[[]], [[-1]]],
      minNewTokens: [-1],
      allowedSequences: [[]],
      suppressTokens: [[0.5]],
      forcedPrefix: [[-1]],
      temperature: [0, -1, Number.NaN],
      topK: [0],
      topP: [0, 1.01],
      minP: [0, 2],
      typicalP: [0, 1.5],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        assert.throws(
          () => createProcessors({ [name]: value }),
          new RegExp(`option ${name}; expected`),
          `${name} ${value}`,
        );
      }
    }
    const names = Object.keys(processors).filter(name => name !== 'allowedTokens');
    assert.deepEqual(Object.keys(wrong).sort(), names.sort());
    assert.throws(() => createProcessors({ topq: 1 } as ProcessorOptions), ConfigError);
  });
});
