import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InputError } from '../../src/core/errors.ts';
import { textSegmentate } from '../../src/tokenizers/text/segmentation.ts';
import { type PaddingOptions, sequencePadding, truncateSequences } from '../../src/tokenizers/text/sequences.ts';
import { assertRecorded, type Failure, readRecording } from './text-recordings.ts';

interface SnippetsRecording {
  readonly sequence_padding: readonly {
    readonly inputs: readonly (readonly number[])[];
    readonly args: { readonly length: number | null; readonly value: number; readonly mode: 'post' | 'pre' };
    readonly out: readonly (readonly number[])[] | Failure;
  }[];
  readonly text_segmentate: readonly {
    readonly text: string;
    readonly args: { readonly maxlen: number; readonly seps: string; readonly strips: string | null };
    readonly out: readonly string[] | Failure;
  }[];
  readonly truncate_sequences: readonly {
    readonly maxlen: number;
    readonly indices: number;
    readonly sequences: readonly (readonly number[])[];
    readonly out: readonly (readonly number[])[] | Failure;
  }[];
}

const recording = readRecording<SnippetsRecording>('snippets.json');

describe('sequences', () => {
  it('are padded as bert4keras pads them', () => {
    for (const { inputs, args, out } of recording.sequence_padding) {
      const { length, ...others } = args;
      const options: PaddingOptions = length === null ? others : { ...others, length };
      assertRecorded<object>(() => sequencePadding(inputs, options), out, JSON.stringify({ inputs, args }));
    }
  });

  it('are truncated as bert4keras truncates them', () => {
    for (const { maxlen, indices, sequences, out } of recording.truncate_sequences) {
      const run = () => truncateSequences(maxlen, indices, ...sequences);
      assertRecorded<object>(run, out, JSON.stringify({ maxlen, indices, sequences }));
    }
  });

  it('are truncated one element at a time, as Python pops', () => {
    const sequences = fc.array(fc.array(fc.nat(9), { maxLength: 8 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        sequences,
        fc.integer({ min: -1, max: 20 }),
        fc.integer({ min: -4, max: 4 }),
        (given, maxLen, index) => {
          const expected = popUntil(maxLen, index, given);
          if (expected === undefined) assert.throws(() => truncateSequences(maxLen, index, ...given), InputError);
          else assert.deepEqual(truncateSequences(maxLen, index, ...given), expected);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('long text', () => {
  it('is cut into sentences as bert4keras cuts it', () => {
    for (const { text, args, out } of recording.text_segmentate) {
      const { maxlen, seps, strips } = args;
      const options = strips === null ? { seps } : { seps, strips };
      assertRecorded<readonly string[]>(() => textSegmentate(text, maxlen, options), out, JSON.stringify(text));
    }
  });

  it('loses nothing but what is stripped', () => {
    const text = fc.string({ unit: fc.constantFrom('好', '𠮷', 'a', '。', '，', '\n'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 20 }), (given, maxLen) => {
        const pieces = textSegmentate(given, maxLen, { seps: '\n。，' });
        assert.equal(pieces.join('').replaceAll('\n', ''), given.replaceAll('\n', ''));
      }),
    );
  });
});

/** The reference's loop, taken literally. */
function popUntil(maxLen: number, index: number, given: readonly (readonly number[])[]): number[][] | undefined {
  const sequences = given.filter(sequence => sequence.length > 0).map(sequence => [...sequence]);
  while (sequences.reduce((sum, sequence) => sum + sequence.length, 0) > maxLen) {
    const longest = sequences.toSorted((first, second) => second.length - first.length)[0];
    if (longest === undefined || index >= longest.length || -index > longest.length) return undefined;
    longest.splice(index, 1);
  }
  return sequences;
}
