/**
 * The functions of `bert4keras.snippets` that bring token sequences to a length: cutting several to a common budget, and
 * padding a batch to a rectangle.
 * Reference: https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/snippets.py
 */
import { InputError } from '../../core/errors.ts';

/** How {@link sequencePadding} fills. */
export interface PaddingOptions {
  /** Length of every row; that of the longest when absent. Longer rows lose their tail. */
  readonly length?: number;
  /** What is filled in, 0 unless given. */
  readonly value?: number;
  /** Whether the filling goes behind the row (`post`, the default) or before it. */
  readonly mode?: 'post' | 'pre';
}

/**
 * Shortens the longest sequence (the first of equals) by one element at a time until all together hold at most `maxLen`.
 * Empty sequences are left out, of the result and of `indices`; the given arrays are not changed.
 * @param indices - where elements go, in every sequence or one by one; negative counts from the end.
 * @throws InputError when an index lies outside the sequence it should shorten.
 *
 * ```ts
 * truncateSequences(5, -2, [1, 2, 3, 9], [4, 5, 9]); // [[1, 2, 9], [4, 9]]
 * ```
 */
export function truncateSequences<Element>(
  maxLen: number,
  indices: number | readonly number[],
  ...sequences: readonly (readonly Element[])[]
): Element[][] {
  const kept = sequences.filter(sequence => sequence.length > 0);
  const cuts = cutsFor(
    maxLen,
    kept.map(sequence => sequence.length),
  );
  return kept.map((sequence, at) =>
    withoutRun(sequence, typeof indices === 'number' ? indices : indices[at], cuts[at] ?? 0),
  );
}

/**
 * Rows of equal length, [B, T].
 *
 * ```ts
 * sequencePadding([[1, 2, 3], [4]]); // [[1, 2, 3], [4, 0, 0]]
 * ```
 */
export function sequencePadding(rows: readonly (readonly number[])[], options: PaddingOptions = {}): number[][] {
  const { value = 0, mode = 'post' } = options;
  const length = options.length ?? Math.max(0, ...rows.map(row => row.length));
  return rows.map(row => {
    const kept = row.slice(0, length);
    const filling = new Array<number>(length - kept.length).fill(value);
    return mode === 'post' ? [...kept, ...filling] : [...filling, ...kept];
  });
}

/** How many elements each sequence loses. */
function cutsFor(maxLen: number, lengths: readonly number[]): number[] {
  const left = [...lengths];
  let total = left.reduce((sum, length) => sum + length, 0);
  while (total > maxLen) {
    const longest = left.indexOf(Math.max(...left));
    if (longest < 0 || left[longest] === 0) throw cannotCut(maxLen, 'no element is left');
    left[longest] = (left[longest] ?? 0) - 1;
    total--;
  }
  return lengths.map((length, at) => length - (left[at] ?? 0));
}

/** `count` times `sequence.pop(index)`: the elements that go stand side by side, so one cut does it. */
function withoutRun<Element>(sequence: readonly Element[], index: number | undefined, count: number): Element[] {
  if (count === 0) return [...sequence];
  const lastLength = sequence.length - count + 1;
  if (index === undefined || index >= lastLength || -index > lastLength) {
    throw cannotCut(sequence.length - count, `index ${index} when ${lastLength} are left`);
  }
  const from = index >= 0 ? index : lastLength + index;
  return [...sequence.slice(0, from), ...sequence.slice(from + count)];
}

function cannotCut(length: number, found: string): InputError {
  return new InputError({
    what: 'truncation',
    expected: `an element to drop until the length is ${length}`,
    found,
    next: 'Raise maxLen or truncate at an index that every text has.',
  });
}
