import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InputError } from '../../src/core/errors.ts';
import { softmaxRows } from '../../src/decode/softmax.ts';
import { decodeSpan } from '../../src/decode/span.ts';
import { readMaskedSpan } from '../../src/tasks/masked-span.ts';

const VOCAB = 6;
const END = 1;

describe('spans of masks', () => {
  it('are those of the whole block of probabilities', () => {
    const block = fc.integer({ min: 1, max: 20 }).chain(maxAnswerLen =>
      fc.record({
        maxAnswerLen: fc.constant(maxAnswerLen),
        logits: fc.array(fc.integer({ min: -40, max: 40 }), {
          minLength: maxAnswerLen * VOCAB,
          maxLength: maxAnswerLen * VOCAB,
        }),
        // Few different tokens, so that the passage continues nearly any answer.
        text: fc.array(fc.constantFrom(2, 3, 4), { maxLength: 30 }),
        // How hard it is to stop.
        patience: fc.constantFrom(0, 60),
      }),
    );
    const reached = new Set<number>();
    fc.assert(
      fc.property(block, ({ maxAnswerLen, logits, text, patience }) => {
        const passageIds = [...text, END];
        const values = Float32Array.from(logits, (value, i) => (i % VOCAB === END ? value - patience : value) / 4);
        const options = { passageIds, maxAnswerLen, endId: END };
        const expected = decodeSpan(softmaxRows(values.slice(), VOCAB, 'block'), options);
        assert.deepEqual(readMaskedSpan(values, { ...options, vocabSize: VOCAB, source: 'block' }), expected);
        reached.add(expected.tokenIds.length);
      }),
      { seed: 7, numRuns: 500 },
    );
    assert.ok(reached.has(1) && Math.max(...reached) > 8, `lengths ${[...reached].sort()}`);
  });

  it('leave rows alone that the answer does not reach', () => {
    const logits = new Float32Array(16 * VOCAB);
    logits[END] = 9;
    readMaskedSpan(logits, {
      passageIds: [2, END],
      maxAnswerLen: 16,
      endId: END,
      vocabSize: VOCAB,
      source: 'passage 0',
    });
    assert.ok(logits.subarray(4 * VOCAB).every(value => value === 0));
  });

  it('refuse what is not finite, and too few rows', () => {
    const options = { passageIds: [2, END], maxAnswerLen: 4, endId: END, vocabSize: VOCAB, source: 'passage 7' };
    assert.throws(() => readMaskedSpan(new Float32Array(4 * VOCAB).fill(Number.NaN), options), /passage 7/);
    assert.throws(() => readMaskedSpan(new Float32Array(0), options), InputError);
  });
});
