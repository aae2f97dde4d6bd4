/**
 * bert4keras' `keep_tokens` and `compound_tokens`: which rows of a published checkpoint's token table a model takes, and
 * which rows are made of others. Rows are picked first; a compound row is then the mean of rows of the table that is
 * left, in double precision, rounded to float32 once.
 *
 * `load_embeddings`: https://github.com/bojone/bert4keras/blob/c1ae0dc/bert4keras/models.py
 */
import { ConfigError } from '../src/core/errors.ts';
import type { Json } from '../src/core/manifest.ts';

/** A new row: the mean of rows of the kept table (ids are new ids), with weights where they differ. */
export interface CompoundToken {
  readonly ids: readonly number[];
  /** One weight for each id; equal when absent. */
  readonly weights?: readonly number[];
}

/** What to take and what to append. */
export interface VocabularyChange {
  /** Rows to take, in this order, repetitions included; all when absent. */
  readonly keepTokens?: readonly number[];
  readonly compoundTokens: readonly CompoundToken[];
}

/** Values with their shape. */
export interface Table {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/**
 * Reads the two keywords as JSON has them: `keep_tokens` a list of ids; `compound_tokens` a list whose items are lists
 * of ids, or `{"ids": [...], "weights": [...]}` where Python has a tuple. Undefined when neither is given.
 * @throws ConfigError listing every bad item.
 */
export function parseVocabularyChange(
  keep: Json | undefined,
  compound: Json | undefined,
): VocabularyChange | undefined {
  if ((keep ?? null) === null && (compound ?? null) === null) return undefined;
  const problems: string[] = [];
  const keepTokens = (keep ?? null) === null ? undefined : readIds(keep ?? null, 'keep_tokens', problems);
  const compoundTokens = readCompounds(compound ?? [], problems);
  const size = keepTokens?.length;
  for (const [i, { ids }] of compoundTokens.entries()) {
    const outside = ids.filter(id => size !== undefined && id >= size);
    if (outside.length > 0) problems.push(`compound_tokens[${i}]: id ${outside.join(', ')} of ${size} kept tokens`);
  }
  if (problems.length > 0) throw new ConfigError({ what: 'vocabulary keywords', found: problems.join('; ') });
  return { ...(keepTokens === undefined ? {} : { keepTokens }), compoundTokens };
}

/** Rows after the change of a table of `rows` rows. */
export function changedSize(change: VocabularyChange, rows: number): number {
  return (change.keepTokens?.length ?? rows) + change.compoundTokens.length;
}

/**
 * Applies a change along one axis of a table.
 * @throws ConfigError when an id is outside the table.
 */
export function changeVocabulary({ values, shape }: Table, axis: number, change: VocabularyChange): Table {
  const rows = shape[axis] ?? 0;
  requireKnownIds(change, rows);
  const kept = change.keepTokens ?? Array.from({ length: rows }, (_, id) => id);
  const outer = shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const width = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const total = kept.length + change.compoundTokens.length;
  const result = new Float32Array(outer * total * width);
  for (let block = 0; block < outer; block++) {
    const rowAt = (id: number): Float32Array => {
      const start = (block * rows + (kept[id] ?? 0)) * width;
      return values.subarray(start, start + width);
    };
    const start = block * total * width;
    for (let id = 0; id < kept.length; id++) result.set(rowAt(id), start + id * width);
    for (const [i, token] of change.compoundTokens.entries()) {
      result.set(weightedMean(token, rowAt, width), start + (kept.length + i) * width);
    }
  }
  return { values: result, shape: shape.map((size, at) => (at === axis ? total : size)) };
}

/** Sum of w·x over sum of w, in double precision and in the order of the ids. */
function weightedMean(
  { ids, weights }: CompoundToken,
  rowAt: (id: number) => Float32Array,
  width: number,
): Float64Array {
  const sum = new Float64Array(width);
  for (const [i, id] of ids.entries()) {
    const weight = weights?.[i] ?? 1;
    for (const [column, value] of rowAt(id).entries()) sum[column] = (sum[column] ?? 0) + weight * value;
  }
  const scale = weights?.reduce((total, weight) => total + weight, 0) ?? ids.length;
  return sum.map(value => value / scale);
}

/** @throws ConfigError when an id is not one of a table of `rows` rows, or of what is kept of it. */
export function requireKnownIds({ keepTokens, compoundTokens }: VocabularyChange, rows: number): void {
  requireInside(keepTokens ?? [], rows, 'keep_tokens');
  const ids = compoundTokens.flatMap(token => token.ids);
  requireInside(ids, keepTokens?.length ?? rows, 'compound_tokens');
}

function requireInside(ids: readonly number[], size: number, keyword: string): void {
  const outside = ids.filter(id => id >= size);
  if (outside.length === 0) return;
  throw new ConfigError({
    what: keyword,
    expected: `ids below ${size}, the rows of the table`,
    found: outside.slice(0, 5).join(', '),
    next: 'The ids are of another vocabulary than the checkpoint',
  });
}

function readCompounds(value: Json, problems: string[]): CompoundToken[] {
  if (!Array.isArray(value)) {
    problems.push('compound_tokens: not a list');
    return [];
  }
  return value.map((item: Json, i) => readCompound(item, `compound_tokens[${i}]`, problems));
}

function readCompound(item: Json, place: string, problems: string[]): CompoundToken {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    const ids = readIds(item, place, problems);
    if (ids.length === 0) problems.push(`${place}: no ids`);
    return { ids };
  }
  const { ids: idList = null, weights: weightList = null, ...others } = item as { readonly [key: string]: Json };
  for (const key of Object.keys(others)) problems.push(`${place}: unknown key "${key}"`);
  const ids = readIds(idList, `${place}.ids`, problems);
  const weights = Array.isArray(weightList) ? weightList.filter(weight => typeof weight === 'number') : [];
  const usable =
    weights.length === ids.length && ids.length > 0 && weights.reduce((sum, weight) => sum + weight, 0) !== 0;
  if (!usable) problems.push(`${place}: needs as many weights as ids, at least one, with a sum other than 0`);
  return { ids, weights };
}

function readIds(value: Json, place: string, problems: string[]): readonly number[] {
  const ids = Array.isArray(value) ? (value as readonly Json[]) : [];
  const valid = ids.filter(id => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) as number[];
  if (!Array.isArray(value)) problems.push(`${place}: not a list of ids`);
  else if (valid.length < ids.length) problems.push(`${place}: ids are whole numbers, not negative`);
  return valid;
}
