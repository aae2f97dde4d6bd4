/**
 * Voting passages and the extractive constraint, against the example script they come from, ported word for word on top
 * of AutoRegressiveDecoder.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InputError } from '../../src/core/errors.ts';
import { AutoRegressiveDecoder, type DecoderInput, type Prediction } from '../../src/decode/auto-regressive-decoder.ts';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { constrain } from '../../src/decode/constrain.ts';
import { extendHypothesis, rootHypothesis, type StepScorer } from '../../src/decode/scorer.ts';
import { vote } from '../../src/decode/vote.ts';
import { functionScorer } from './table-scorer.ts';

const V = 7;
const END = 6;

/** Deterministic pseudo-random probabilities for a passage and a prefix; float32. */
function passageRow(passage: readonly number[], tokenIds: readonly number[]): number[] {
  let state = [...passage, 99, ...tokenIds].reduce((hash, id) => Math.imul(hash ^ (id + 1), 16777619), 2166136261);
  const weights = Array.from({ length: V }, () => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 1;
    return ((state >>> 8) / 2 ** 24) ** 4 + 1e-4;
  });
  const sum = weights.reduce((a, b) => a + b);
  return weights.map(weight => Math.fround(weight / sum));
}

function scorersOf(passages: readonly (readonly number[])[]): StepScorer[] {
  return passages.map(passage => functionScorer(V, 'probabilities', ids => passageRow(passage, ids)));
}

/** task_reading_comprehension_by_seq2seq.py: inputs are passages, a first id of -1 marks one as dropped. */
class Reader extends AutoRegressiveDecoder<number> {
  readonly mode: 'extractive' | 'generative';

  constructor(mode: 'extractive' | 'generative', maxLen: number) {
    super({ startId: null, endId: END, maxLen, useStates: true });
    this.mode = mode;
  }

  override async predict(
    inputs: DecoderInput[][],
    outputIds: number[][],
    states: number | null,
  ): Promise<Prediction<number>> {
    const step = states ?? 0;
    let living = inputs.filter(rows => rows[0]?.[0] !== -1);
    const row = (source: DecoderInput[], output: number) =>
      Float32Array.from(passageRow([...(source[0] ?? [])].slice(1), outputIds[output] ?? []));
    if (step === 0) {
      const answered = living.filter(rows => {
        const first = row(rows, 0);
        return first.indexOf(Math.max(...first)) !== END;
      });
      if (answered.length === 0) return { scores: outputIds.map(() => certainEnd()), states: step + 1 };
      for (const rows of living) if (!answered.includes(rows)) for (const input of rows) input[0] = -1;
      living = answered;
    }
    const grams = living.flatMap(([source]) => {
      const ids = [...(source ?? [])].slice(1);
      return ids.slice(step).map((_, start) => ids.slice(start, start + step + 1));
    });
    const scores = outputIds.map((prefix, output) => {
      const allowed = new Set([
        END,
        ...grams.filter(gram => prefix.every((id, i) => gram[i] === id)).map(gram => gram.at(-1)),
      ]);
      const rows = living.map(source => row(source, output));
      return Float32Array.from({ length: V }, (_, id) => {
        if (this.mode === 'extractive' && !allowed.has(id)) return 0;
        let [squares, sum] = [0, 0];
        for (const p of rows.map(values => values[id] ?? 0)) {
          squares = Math.fround(squares + Math.fround(p * p));
          sum = Math.fround(sum + p);
        }
        return squares / Math.fround(sum + 1);
      });
    });
    return { scores, states: step + 1 };
  }
}

function certainEnd(): Float32Array {
  return Float32Array.from({ length: V }, (_, id) => (id === END ? 1 : 0));
}

const passagesOf = fc.array(fc.array(fc.integer({ min: 0, max: V - 2 }), { maxLength: 8 }), {
  minLength: 1,
  maxLength: 5,
});

describe('vote and constrain', () => {
  for (const mode of ['extractive', 'generative'] as const) {
    it(`answer as the ${mode} example script does`, async () => {
      const property = async (passages: number[][], topK: number, maxLen: number) => {
        const inputs = passages.map(passage => [0, ...passage]);
        const expected = await new Reader(mode, maxLen).beamSearch(inputs, topK);
        const merged = vote(scorersOf(passages), { endId: END });
        const scorer = mode === 'extractive' ? constrain(merged, passages, { endId: END }) : merged;
        const found = await beamSearch(scorer, { topK, endId: END, maxLen });
        assert.deepEqual(found.tokenIds, expected);
      };
      const sizes = [fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 8 })] as const;
      await fc.assert(fc.asyncProperty(passagesOf, ...sizes, property), { numRuns: 300 });
    });
  }

  it('constrain never leaves the passages', async () => {
    const property = async (passages: number[][], topK: number) => {
      const merged = vote(scorersOf(passages), { endId: END });
      const scorer = constrain(merged, passages, { endId: END });
      const { tokenIds, finished } = await beamSearch(scorer, { topK, endId: END, maxLen: 6 });
      const span = finished ? tokenIds.slice(0, -1) : tokenIds;
      const isInside = (passage: readonly number[]) =>
        passage.some((_, start) => span.every((id, i) => passage[start + i] === id));
      const kept = merged.keptPassages.map(passage => passages[passage] ?? []);
      assert.ok(span.length === 0 || kept.some(isInside), `${span} in ${JSON.stringify(kept)}`);
    };
    await fc.assert(fc.asyncProperty(passagesOf, fc.integer({ min: 1, max: 2 }), property), { numRuns: 300 });
  });

  it('one passage gives p² / (p + 1) in float32', async () => {
    const row = [0.5, 0.25, 0.125, 0.0625, 0.03, 0.02, 0.0125];
    const merged = vote([functionScorer(V, 'probabilities', () => row)], { endId: END });
    const scores = await merged.score([rootHypothesis()]);
    const expected = Float32Array.from(row, value => {
      const p = Math.fround(value);
      return Math.fround(p * p) / Math.fround(p + 1);
    });
    assert.deepEqual(scores, expected);
  });

  it('merges logits as their softmax', async () => {
    const merged = vote([functionScorer(2, 'logits', () => [Math.log(3), 0])], { endId: 1 });
    const [first = 0, second = 0] = await merged.score([rootHypothesis()]);
    assert.ok(Math.abs(first - 0.75 ** 2 / 1.75) < 1e-7 && Math.abs(second - 0.25 ** 2 / 1.25) < 1e-7);
  });

  it('drops a passage whose first maximum is the end token, records it, and never asks it again', async () => {
    const calls = [0, 0];
    const counting = (passage: number, row: readonly number[]) =>
      functionScorer(3, 'probabilities', () => {
        calls[passage] = (calls[passage] ?? 0) + 1;
        return row;
      });
    const merged = vote([counting(0, [0.2, 0.2, 0.6]), counting(1, [0.7, 0.2, 0.1])], { endId: 2 });
    assert.deepEqual(merged.keptPassages, [0, 1]);
    const root = rootHypothesis();
    await merged.score([root]);
    await merged.score([extendHypothesis(root, 0), extendHypothesis(root, 1)]);
    assert.deepEqual(calls, [1, 3]);
    assert.deepEqual(merged.keptPassages, [1]);
    assert.deepEqual(merged.trace.kept, [[1], [1]]);
    assert.deepEqual(
      merged.trace.first.map(first => first.tokenId),
      [2, 0],
    );
    assert.deepEqual(
      merged.trace.first.map(first => Math.round(first.endProbability * 10)),
      [6, 1],
    );
  });

  it('says end for certain when all are dropped', async () => {
    const merged = vote([functionScorer(3, 'probabilities', () => [0.2, 0.2, 0.6])], { endId: 2 });
    const { tokenIds, score, finished } = await beamSearch(merged, { topK: 1, endId: 2, maxLen: 5 });
    assert.deepEqual(
      { tokenIds, score, finished, kept: merged.trace.kept },
      {
        tokenIds: [2],
        score: 0,
        finished: true,
        kept: [[]],
      },
    );
  });

  it('asks all passages before it waits for any', async () => {
    let started = 0;
    let open: () => void = () => assert.fail('opened too early');
    const gate = new Promise<void>(resolve => {
      open = resolve;
    });
    const waiting: StepScorer = {
      vocabSize: 2,
      kind: 'probabilities',
      async score() {
        if (++started === 3) open();
        await gate;
        return Float32Array.of(0.9, 0.1);
      },
    };
    await vote([waiting, waiting, waiting], { endId: 1 }).score([rootHypothesis()]);
    assert.equal(started, 3);
  });

  it('refuses no passages, different vocabularies, and scores that are not finite, by passage', async () => {
    assert.throws(() => vote([], { endId: 0 }), InputError);
    const sizes = [2, 3].map(size => functionScorer(size, 'probabilities', () => []));
    assert.throws(() => vote(sizes, { endId: 0 }), /passage 1: vocabulary size; expected 2; found 3/);
    const broken = [
      [0.5, 0.5],
      [0.5, Number.NaN],
    ].map(row => functionScorer(2, 'probabilities', () => row));
    await assert.rejects(
      vote(broken, { endId: 0 }).score([rootHypothesis()]),
      /passage 1, step 0, row 0.*NaN for token 1/,
    );
  });
});
