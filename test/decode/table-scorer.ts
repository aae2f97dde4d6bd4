/**
 * A scorer over an explicit table of next-token rows, and the recordings of bert4keras over such tables.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Hypothesis, type ScoreArray, type StepScorer, type TopRow, tokenIdsOf } from '../../src/decode/scorer.ts';

/** A table: the row of the last two ids, `"older,newer"`, -1 where there is none. */
export interface Table {
  readonly name: string;
  readonly kind: 'probas' | 'logits';
  readonly size: number;
  readonly rows: Readonly<Record<string, readonly number[]>>;
}

/** The fields that every recorded case has. */
export interface RecordedCase {
  readonly table: string;
  readonly inputs: readonly (readonly number[])[];
  readonly start_id: number | null;
  readonly end_id: number;
  readonly maxlen: number;
  readonly minlen: number;
  readonly min_ends: number;
  readonly temperature: number;
  readonly use_states: boolean;
  readonly states: number | null;
  readonly dtype: 'float32' | 'float64';
  readonly rows: readonly number[];
}

/** Reads a recording; its lists are cast to what the test knows of them. */
export function readRecording<R>(name: string, folder = process.env['DECODER_CASES']): R {
  const place = folder ?? path.join(import.meta.dirname, '../fixtures/text/cases');
  return JSON.parse(readFileSync(path.join(place, `${name}.json`), 'utf8')) as R;
}

/** The recorded tables by name. */
export const tables = new Map(
  readRecording<{ tables: readonly Table[] }>('decoder_tables').tables.map(table => [table.name, table]),
);

/** The row of `table` after `ids`, rolled by `shift`, as the recordings' `predict` gives it. */
export function tableRow(table: Table, ids: readonly number[], shift: number): number[] {
  const [older, newer] = [-1, -1, ...ids].slice(-2);
  const row = table.rows[`${older},${newer}`] ?? [];
  return row.map((_, token) => row[(((token - shift) % row.length) + row.length) % row.length] ?? 0);
}

/** A scorer that answers as the recorded case's `predict` did; `seen` collects the number of rows per call. */
export function caseScorer(recorded: RecordedCase, seen: number[] = []): StepScorer {
  const table = tables.get(recorded.table);
  if (table === undefined) throw new Error(`no table ${recorded.table}`);
  const prefix = [...(recorded.inputs[0] ?? []), ...(recorded.start_id === null ? [] : [recorded.start_id])];
  let shift = recorded.states ?? 0;
  return {
    vocabSize: table.size,
    kind: table.kind === 'logits' ? 'logits' : 'probabilities',
    async score(hypotheses: readonly Hypothesis[]): Promise<ScoreArray> {
      seen.push(hypotheses.length);
      const rows = hypotheses.flatMap(hypothesis =>
        tableRow(table, [...prefix, ...tokenIdsOf(hypothesis)], recorded.use_states ? shift : 0),
      );
      shift++;
      return recorded.dtype === 'float32' ? Float32Array.from(rows) : Float64Array.from(rows);
    },
  };
}

/** A scorer from a function of the generated ids to a row of float32 scores. */
export function functionScorer(
  vocabSize: number,
  kind: StepScorer['kind'],
  row: (tokenIds: readonly number[]) => readonly number[],
): StepScorer {
  return {
    vocabSize,
    kind,
    async score(hypotheses) {
      return Float32Array.from(hypotheses.flatMap(hypothesis => row(tokenIdsOf(hypothesis))));
    },
  };
}

/**
 * The scorer, but answering with the likeliest tokens where they are enough; `asked` collects how many were asked for, and
 * `more` of them are given beyond that.
 */
export function namingScorer(scorer: StepScorer, asked: (number | undefined)[] = [], more = 0): StepScorer {
  const score = async (hypotheses: readonly Hypothesis[], signal?: AbortSignal, topK?: number) => {
    asked.push(topK);
    const scores = await scorer.score(hypotheses, signal);
    if (topK === undefined) return scores;
    const row = (i: number) => scores.subarray(i * scorer.vocabSize, (i + 1) * scorer.vocabSize);
    return hypotheses.map((_, i) => likeliest(row(i), topK + more));
  };
  return { ...scorer, score: score as StepScorer['score'] };
}

function likeliest(row: ScoreArray, count: number): TopRow {
  const ids = [...row.keys()].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b).slice(0, count);
  const values = row.slice(0, ids.length).map((_, rank) => row[ids[rank] ?? 0] ?? 0);
  const sum = [...row].reduce((total, score) => total + Math.exp(score - (values[0] ?? 0)), 0);
  return { ids: Int32Array.from(ids), values, probability: 1 / sum };
}

/** The search options of a recorded case. */
export function searchOptionsOf(recorded: RecordedCase) {
  return {
    startId: recorded.start_id,
    endId: recorded.end_id,
    maxLen: recorded.maxlen,
    minLen: recorded.minlen,
    minEnds: recorded.min_ends,
    temperature: recorded.temperature,
  };
}
