/**
 * Rows as searches see them: whole ones, or where a search needs no more and the scorer knows, their likeliest tokens.
 */
import type { ScoreArray, TopRow } from './scorer.ts';
import { type Selection, selectTop } from './top-k.ts';

/** A row of V scores, or its likeliest tokens. */
export type ScoredRow = ScoreArray | TopRow;

/** The largest scores of a row, descending, equal ones by rising id: `count` of them where it has as many. */
export function topOf(row: ScoredRow, count: number): Selection {
  if (!('ids' in row)) return selectTop(row, count);
  const ids = row.ids.slice(0, count);
  return { count: ids.length, ids, values: Float64Array.from(row.values.subarray(0, count)) };
}

/** The score of a token that the row has. */
export function scoreOf(row: ScoredRow, tokenId: number): number {
  return ('ids' in row ? row.values[row.ids.indexOf(tokenId)] : row[tokenId]) as number;
}
