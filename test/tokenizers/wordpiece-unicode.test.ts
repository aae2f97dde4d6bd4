import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  ALONE,
  classOf,
  fold,
  isCjkCharacter,
  isDropped,
  isPunctuation,
  isTokenizerSpace,
  ROLE,
} from '../../src/tokenizers/text/character-class.ts';
import { lower, lowercaseAndNormalize, upper } from '../../src/tokenizers/text/letter-case.ts';
import { codePointLength, fileLines, isPythonSpace, split, strip } from '../../src/tokenizers/text/python-string.ts';
import { isAssigned, isControl, isDecimalDigit, isNonspacingMark } from '../../src/tokenizers/text/unicode-11.ts';
import { readRecording } from './text-recordings.ts';

interface UnicodeRecording {
  readonly classes: readonly { readonly name: string; readonly ranges: readonly (readonly [number, number])[] }[];
  readonly lower: readonly (readonly [string, string])[];
  readonly lower_sha256: string;
}

const recording = readRecording<UnicodeRecording>('unicode.json');

const tests: Readonly<Record<string, (codePoint: number) => boolean>> = {
  category_Mn: isNonspacingMark,
  is_cjk_character: isCjkCharacter,
  is_control: isControl,
  is_punctuation: isPunctuation,
  is_space: isTokenizerSpace,
  re_backslash_d: isDecimalDigit,
  re_backslash_s: isPythonSpace,
  str_isspace: isPythonSpace,
  str_split_splits: codePoint => split(`a${String.fromCodePoint(codePoint)}b`).length === 2,
  str_strip_strips: codePoint => strip(`${String.fromCodePoint(codePoint)}a`) === 'a',
  unassigned: codePoint => !isAssigned(codePoint),
};

/** Characters whose class has changed since Unicode 11, that depend on neighbours, or that combine. */
const touchy = fc.constantFrom(
  ...'ΣσςİıIÉéÀaA1中 \u0301\u0323\u0345\u302e\u302f\u0295\u055f\u1734\ua9bd\u166d\ua7c2\u1ac0\u0897\u2c2f\u{1171e}\u{1d165}\u{1d16d}\u{1d15e}\u{1e2ae}각😀𐐀',
);

describe('Unicode 11 characters', () => {
  for (const { name, ranges } of recording.classes) {
    it(`has Python 3.7's ${name} for every code point`, () => assert.deepEqual(rangesOf(tests[name]), ranges));
  }

  it('lower-cases and normalises every character as Python 3.7 does', () => {
    const changed = new Map<string, string>();
    for (const character of characters()) {
      const normalized = fold(character);
      if (normalized !== character) changed.set(character, normalized);
    }
    const digest = [...changed].map(([character, normalized]) => character + normalized).join('\n');
    for (const [character, normalized] of recording.lower) {
      assert.equal(changed.get(character), normalized);
      assert.equal(lowercaseAndNormalize(character), normalized);
    }
    assert.equal(createHash('sha256').update(digest).digest('hex'), recording.lower_sha256);
  });

  it('folds any text as it is defined', () => {
    const text = fc.string({ unit: fc.oneof(touchy, fc.string({ unit: 'binary', maxLength: 1 })), maxLength: 12 });
    fc.assert(
      fc.property(text, given => assert.equal(fold(given), lowercaseAndNormalize(given))),
      { numRuns: 2000 },
    );
  });

  it('ends words in final sigma where Unicode 11 says so', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['ΑΣ', 'ας'],
      ['ΑΣΑ', 'ασα'],
      ['Σ', 'σ'],
      ['ΑΣ\u0301', 'ας\u0301'],
      ['ʕΣ', 'ʕς'],
      ['A\u1734Σ', 'a\u1734ς'],
      ['A\ua9bdΣ', 'a\ua9bdσ'],
      ['A\u055fΣ', 'a\u055fσ'],
      ['AΣ\ua7c2A', 'aς\ua7c2a'],
    ];
    for (const [given, expected] of cases) assert.equal(lower(given), expected);
  });

  it('knows no capitals that are younger', () => {
    assert.equal(upper('aßﬁ\u0282\ua794'), 'ASSFI\u0282\ua794');
    assert.equal(lower('\ua7c5\u{10570}'), '\ua7c5\u{10570}');
  });

  it('separates at line separators though the reference keeps them first', () => {
    assert.notEqual(classOf(0x2028) & ROLE, ALONE);
    assert.equal(isDropped(0x2028), false);
  });
});

describe("Python's strings", () => {
  it('strip the given characters, or white space', () => {
    assert.equal(strip('\ufeff a\x1c'), '\ufeff a');
    assert.equal(strip('，。好。', '，。'), '好');
    assert.equal(strip(' 好 ', ''), ' 好 ');
    assert.equal(strip('𠮷好𠮷', '𠮷'), '好');
  });

  it('count code points', () => assert.equal(codePointLength('a𠮷\ud800\udc00\udc00'), 4));

  it('end lines at \\n, \\r and \\r\\n only', () => {
    assert.deepEqual(fileLines('a\r\nb\rc\n\nd\x85\u2028e'), ['a', 'b', 'c', '', 'd\x85\u2028e']);
    assert.deepEqual(fileLines(''), []);
    assert.deepEqual(fileLines('\n'), ['']);
  });
});

function* characters(): Generator<string> {
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    if (codePoint < 0xd800 || codePoint > 0xdfff) yield String.fromCodePoint(codePoint);
  }
}

function rangesOf(test: ((codePoint: number) => boolean) | undefined): [number, number][] {
  assert.ok(test !== undefined);
  const ranges: [number, number][] = [];
  for (const character of characters()) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (!test(codePoint)) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === codePoint - 1) last[1] = codePoint;
    else ranges.push([codePoint, codePoint]);
  }
  return ranges;
}
