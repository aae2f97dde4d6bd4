/**
 * Beam search and random sampling over explicit tables, against what bert4keras itself answered.
 */
import assert from 'node:assert/strict';
import { InputError } from '../../src/core/errors.ts';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { candidatesOf } from '../../src/decode/draw.ts';
import { randomSample } from '../../src/decode/random-sample.ts';
import { createRowNormalizer } from '../../src/decode/row-normalizer.ts';
import { rootHypothesis } from '../../src/decode/scorer.ts';
import { argMax } from '../../src/decode/top-k.ts';
import { caseScorer, namingScorer, type RecordedCase, readRecording, searchOptionsOf } from './table-scorer.ts';

interface BeamCase extends RecordedCase {
  readonly topk: number;
  readonly ids: readonly number[];
}

type Draw = readonly [uniform: number, ids: readonly number[], probabilities: readonly number[], picked: number];

interface SampleCase extends RecordedCase {
  readonly n: number;
  readonly topk: number | null;
  readonly topp: number | null;
  readonly order: 'numpy' | 'descending';
  readonly results: readonly (readonly number[])[];
  readonly draws: readonly Draw[];
}

const beam = readRecording<{ cases: readonly BeamCase[]; errors: readonly BeamCase[]; ties: readonly BeamCase[] }>(
  'decoder_beam',
);
const sample = readRecording<{ cases: readonly SampleCase[] }>('decoder_sample');

describe('beam search as bert4keras recorded it', () => {
  it(`gives the ids of all ${beam.cases.length} cases, with as many rows per step`, async () => {
    for (const recorded of beam.cases) {
      const rows: number[] = [];
      const options = { ...searchOptionsOf(recorded), topK: recorded.topk };
      const result = await beamSearch(caseScorer(recorded, rows), options);
      assert.deepEqual(result.tokenIds, recorded.ids, JSON.stringify(recorded));
      assert.deepEqual(rows, recorded.rows, JSON.stringify(recorded));
      assert.deepEqual(
        result.steps.map(step => step.beams),
        recorded.rows,
      );
    }
  });

  it('gives the same ids where the scorer names the likeliest tokens of a row and no others', async () => {
    const asked: (number | undefined)[] = [];
    for (const recorded of beam.cases) {
      const options = { ...searchOptionsOf(recorded), topK: recorded.topk };
      const scorer = caseScorer(recorded);
      const result = await beamSearch(scorer.kind === 'logits' ? namingScorer(scorer, asked) : scorer, options);
      assert.deepEqual(result.tokenIds, recorded.ids, JSON.stringify(recorded));
    }
    assert.ok(asked.filter(topK => topK !== undefined).length > 50);
  });

  it('refuses a beam wider than the first step has candidates', async () => {
    assert.ok(beam.errors.length > 0);
    for (const recorded of beam.errors) {
      const options = { ...searchOptionsOf(recorded), topK: recorded.topk };
      await assert.rejects(beamSearch(caseScorer(recorded), options), InputError);
    }
  });

  it('breaks ties by the earlier hypothesis and the lower id, where NumPy leaves them open', async () => {
    const answers = [];
    for (const recorded of beam.ties) {
      const options = { ...searchOptionsOf(recorded), topK: recorded.topk };
      answers.push((await beamSearch(caseScorer(recorded), options)).tokenIds);
    }
    assert.deepEqual(answers, [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});

describe('random sampling as bert4keras recorded it', () => {
  it(`gives the results of all ${sample.cases.length} cases, in their order`, async () => {
    for (const recorded of sample.cases) {
      const uniforms = recorded.draws.map(draw => (recorded.order === 'numpy' ? uniformFor(draw) : draw[0]));
      const rows: number[] = [];
      const results = await randomSample(caseScorer(recorded, rows), {
        ...searchOptionsOf(recorded),
        n: recorded.n,
        topK: recorded.topk ?? undefined,
        topP: recorded.topp ?? undefined,
        random: () => uniforms.shift() ?? Number.NaN,
      });
      assert.deepEqual(
        results.map(result => result.tokenIds),
        recorded.results,
        JSON.stringify(recorded),
      );
      assert.deepEqual(rows, recorded.rows);
      assert.equal(uniforms.length, 0);
    }
  });

  it('gives the same results where the scorer names the likeliest tokens of a row and no others', async () => {
    const asked: (number | undefined)[] = [];
    for (const recorded of sample.cases) {
      const uniforms = recorded.draws.map(draw => (recorded.order === 'numpy' ? uniformFor(draw) : draw[0]));
      const scorer = caseScorer(recorded);
      const results = await randomSample(scorer.kind === 'logits' ? namingScorer(scorer, asked) : scorer, {
        ...searchOptionsOf(recorded),
        n: recorded.n,
        topK: recorded.topk ?? undefined,
        topP: recorded.topp ?? undefined,
        random: () => uniforms.shift() ?? Number.NaN,
      });
      assert.deepEqual(
        results.map(result => result.tokenIds),
        recorded.results,
        JSON.stringify(recorded),
      );
    }
    assert.ok(asked.filter(topK => topK !== undefined).length > 20);
  });

  it('offers the recorded candidates with the recorded probabilities at the first draw', async () => {
    for (const recorded of sample.cases) {
      const scorer = caseScorer(recorded);
      const row = await scorer.score([rootHypothesis()]);
      const normalizer = createRowNormalizer(scorer.kind, recorded.temperature);
      normalizer.prepare(row, row[argMax(row)] ?? 0, 'first');
      const found = candidatesOf(row, { topK: recorded.topk, topP: recorded.topp }, normalizer);
      const expected = byProbability(recorded.draws[0]).filter(([, probability]) => probability > 0);
      const ids = [...found.ids.subarray(0, found.count)].filter((_, place) => (found.values[place] ?? 0) > 0);
      assert.deepEqual(
        ids,
        expected.map(([id]) => id),
      );
      const tolerance = recorded.dtype === 'float32' ? 3e-7 : 1e-10;
      expected.forEach(([, probability], place) => {
        assert.ok(Math.abs((found.values[place] ?? 0) - probability) <= tolerance);
      });
    }
  });
});

/** The candidates of a draw as [id, probability], by falling probability. */
function byProbability(draw: Draw | undefined): (readonly [number, number])[] {
  const [, ids, probabilities] = draw ?? [0, [], [], 0];
  const pairs = ids.map((id, place) => [id, probabilities[place] ?? 0] as const);
  return pairs.sort((a, b) => b[1] - a[1]);
}

/** A uniform that picks, in descending order, what the recorded one picked in NumPy's order. Checks that it did. */
function uniformFor(draw: Draw): number {
  const [uniform, ids, probabilities, picked] = draw;
  let sum = 0;
  const place = probabilities.findIndex(probability => {
    sum += probability;
    return sum > uniform;
  });
  assert.equal(ids[place], picked);
  let below = 0;
  for (const [id, probability] of byProbability(draw)) {
    if (id === picked) return below + probability / 2;
    below += probability;
  }
  throw new Error('the picked id is not a candidate');
}
