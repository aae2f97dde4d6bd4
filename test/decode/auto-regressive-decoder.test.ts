/**
 * The class that ported scripts extend: every recorded case of bert4keras through it, and the reading comprehension
 * example script, ported line by line, against `vote` and `constrain`.
 */
import assert from 'node:assert/strict';
import { InputError } from '../../src/core/errors.ts';
import {
  AutoRegressiveDecoder,
  type DecoderInput,
  type DecoderOptions,
  type Prediction,
} from '../../src/decode/auto-regressive-decoder.ts';
import { seededRandom } from '../../src/decode/seeded-random.ts';
import { type RecordedCase, readRecording, tableRow, tables } from './table-scorer.ts';

interface AnyCase extends RecordedCase {
  readonly topk: number | null;
  readonly topp: number | null;
  readonly n: number;
  readonly ids: readonly number[];
  readonly order: 'numpy' | 'descending';
  readonly results: readonly (readonly number[])[];
  readonly draws: readonly (readonly [number])[];
}

const beam = readRecording<{ cases: readonly AnyCase[] }>('decoder_beam').cases;
const sample = readRecording<{ cases: readonly AnyCase[] }>('decoder_sample').cases;

/** The recordings' TableDecoder. */
class TableDecoder extends AutoRegressiveDecoder<number> {
  readonly recorded: RecordedCase;
  readonly rows: number[] = [];

  constructor(recorded: RecordedCase) {
    super(optionsOf(recorded));
    this.recorded = recorded;
  }

  override async predict(
    inputs: DecoderInput[][],
    outputIds: number[][],
    states: number | null,
  ): Promise<Prediction<number>> {
    const table = tables.get(this.recorded.table);
    assert.ok(table);
    this.rows.push(outputIds.length);
    for (const column of inputs) assert.equal(column.length, outputIds.length);
    const count = states ?? 0;
    const scores = outputIds.map((ids, row) => {
      const values = tableRow(table, [...(inputs[0]?.[row] ?? []), ...ids], this.recorded.use_states ? count : 0);
      return this.recorded.dtype === 'float32' ? Float32Array.from(values) : values;
    });
    return this.recorded.use_states ? { scores, states: count + 1 } : scores;
  }
}

function optionsOf(recorded: RecordedCase): DecoderOptions {
  return {
    startId: recorded.start_id,
    endId: recorded.end_id,
    maxLen: recorded.maxlen,
    minLen: recorded.minlen,
    defaultRType: tables.get(recorded.table)?.kind ?? 'probas',
    useStates: recorded.use_states,
  };
}

describe('AutoRegressiveDecoder', () => {
  it('beamSearch gives every recorded answer', async () => {
    for (const recorded of beam) {
      const decoder = new TableDecoder(recorded);
      const ids = await decoder.beamSearch(
        recorded.inputs.map(input => [...input]),
        recorded.topk ?? 1,
        {
          states: recorded.states,
          temperature: recorded.temperature,
          minEnds: recorded.min_ends,
        },
      );
      assert.deepEqual(ids, recorded.ids);
      assert.deepEqual(decoder.rows, recorded.rows);
    }
  });

  it('randomSample gives every recorded answer in descending order', async () => {
    const cases = sample.filter(recorded => recorded.order === 'descending');
    assert.ok(cases.length > 10);
    for (const recorded of cases) {
      const decoder = new TableDecoder(recorded);
      const uniforms = recorded.draws.map(draw => draw[0]);
      const results = await decoder.randomSample(
        recorded.inputs.map(input => [...input]),
        {
          n: recorded.n,
          ...(recorded.topk === null ? {} : { topK: recorded.topk }),
          ...(recorded.topp === null ? {} : { topP: recorded.topp }),
          states: recorded.states,
          temperature: recorded.temperature,
          minEnds: recorded.min_ends,
          random: () => uniforms.shift() ?? Number.NaN,
        },
      );
      assert.deepEqual(results, recorded.results);
      assert.deepEqual(decoder.rows, recorded.rows);
    }
  });

  it('refuses rows that do not fit, and states that were not announced', async () => {
    class Wrong extends AutoRegressiveDecoder<number> {
      override async predict(): Promise<Prediction<number>> {
        return { scores: [[0.5, 0.5]], states: 1 };
      }
    }
    class Short extends AutoRegressiveDecoder {
      override async predict(): Promise<Prediction<null>> {
        return [];
      }
    }
    const options = { startId: null, endId: 1, maxLen: 3 };
    await assert.rejects(new Wrong(options).beamSearch([[1]], 1), /useStates/);
    await assert.rejects(new Short(options).beamSearch([[1]], 1), InputError);
  });

  it('gives each sampled row its own copy of the inputs, and keeps it with the row', async () => {
    class Marking extends AutoRegressiveDecoder {
      override async predict(inputs: DecoderInput[][], outputIds: number[][]): Promise<Prediction<null>> {
        for (const [row, ids] of outputIds.entries()) {
          const input = inputs[0]?.[row] ?? [];
          assert.equal(
            input[0],
            ids.reduce((sum, id) => sum + id, 0),
          );
        }
        return outputIds.map((_, row) => {
          const next = row % 2;
          const input = inputs[0]?.[row];
          if (input !== undefined && outputIds[0]?.length !== 0) input[0] = (input[0] ?? 0) + next;
          return next === 0 ? [1, 0, 0] : [0, 1, 0];
        });
      }
    }
    const prompt = [0];
    const options = { n: 3, random: seededRandom(1) };
    const results = await new Marking({ startId: null, endId: 2, maxLen: 4 }).randomSample([prompt], options);
    assert.deepEqual(results, [
      [0, 0, 0, 0],
      [0, 1, 1, 1],
      [0, 0, 0, 0],
    ]);
    assert.deepEqual(prompt, [0]);
  });
});
