import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { Bert4ortError, FormatError, InputError } from '../../src/core/errors.ts';
import { encodeJiebaData, parseProbabilities } from '../../src/tokenizers/jieba/encode-data.ts';
import { exactLog } from '../../src/tokenizers/jieba/exact-log.ts';
import { createJieba, type Jieba } from '../../src/tokenizers/jieba/jieba.ts';
import { jiebaDataUrl, loadJieba } from '../../src/tokenizers/jieba/load-jieba.ts';
import { UnitTrie } from '../../src/tokenizers/unit-trie.ts';

interface Cuts {
  readonly text: string;
  readonly hmm: string[];
  readonly no_hmm?: string[];
  readonly cut_all?: string[];
}

interface UserWordStep {
  readonly call?: 'add_word' | 'del_word' | 'suggest_freq' | 'userdict';
  readonly arguments?: readonly [string | string[], number?];
  readonly answer?: number;
  readonly cuts: readonly Cuts[];
}

const fixtures = new URL('../fixtures/text/', import.meta.url);
const bytes = readFileSync(jiebaDataUrl);

/** A model that knows one character, for small dictionaries. */
const tinyModel = {
  start: { B: -0.3, E: -3.14e100, M: -3.14e100, S: -1.5 },
  transition: { B: { E: -0.5, M: -0.9 }, E: { B: -0.6, S: -0.8 }, M: { E: -0.3, M: -1.2 }, S: { B: -0.7, S: -0.6 } },
  emission: { B: { 一: -3.5 }, E: { 一: -6 }, M: { 一: -5 }, S: { 一: -4 } },
};

function readCases(path: string): readonly Cuts[] {
  return JSON.parse(readFileSync(new URL(path, fixtures), 'utf8')).cases;
}

function assertCuts(jieba: Jieba, expected: Cuts): void {
  assert.deepEqual(jieba.cut(expected.text), expected.hmm);
  assert.deepEqual(jieba.cut(expected.text, { hmm: false }), expected.no_hmm ?? expected.hmm);
  if (expected.cut_all !== undefined) assert.deepEqual(jieba.cutAll(expected.text), expected.cut_all);
}

function applyStep(jieba: Jieba, step: UserWordStep): number | undefined {
  const [first = '', frequency] = step.arguments ?? [];
  if (step.call === 'suggest_freq') return jieba.suggestFrequency(first);
  if (step.call === 'add_word') jieba.addWord(String(first), frequency);
  if (step.call === 'del_word') jieba.deleteWord(String(first));
  if (step.call === 'userdict') jieba.addDictionary(String(first));
  return undefined;
}

describe('jieba', () => {
  const jieba = createJieba(bytes);

  it('cuts every recorded text as jieba 0.42.1 does, in all three modes', () => {
    for (const expected of readCases('cases/jieba.json')) assertCuts(jieba, expected);
  });

  it('follows jieba as words are added, deleted, suggested and loaded', () => {
    const own = createJieba(bytes);
    const steps: UserWordStep[] = JSON.parse(readFileSync(new URL('jieba-user-words/expected.json', fixtures), 'utf8'));
    for (const step of steps) {
      assert.equal(applyStep(own, step), step.answer, `${step.call} ${step.arguments}`);
      for (const expected of step.cuts) assertCuts(own, expected);
    }
  });

  // load_userdict strips the bytes of a line, so only ASCII's white space.
  it('takes other blanks of a user dictionary for parts of words, as jieba does', () => {
    const own = createJieba(bytes);
    own.addDictionary('石墨烯\u3000\n\u3000二维晶体 5\n晶体材料 9\t\r\n');
    assert.deepEqual(own.cut('石墨烯是一种二维晶体材料'), ['石墨', '烯', '是', '一种', '二维', '晶体材料']);
  });

  it('keeps one instance free of another one’s words', async () => {
    const own = await loadJieba(url => readFile(url));
    own.addWord('来到北京清华');
    assert.deepEqual(own.cut('我来到北京清华大学'), ['我', '来到北京清华', '大学']);
    assert.deepEqual(jieba.cut('我来到北京清华大学'), ['我', '来到', '北京', '清华大学']);
  });

  it('gives words whose concatenation is the text, for any UTF-16 text', () => {
    const unit = fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map(code => String.fromCharCode(code)),
      fc.constantFrom(...'我来到北京清华大学的最小明福一二a1.%-_+#& \n\r𠮷'),
    );
    const text = fc.array(unit, { maxLength: 60 }).map(units => units.join(''));
    fc.assert(
      fc.property(text, fc.boolean(), (sample, hmm) => {
        assert.equal(jieba.cut(sample, { hmm }).join(''), sample);
        jieba.cutAll(sample);
      }),
      { numRuns: 1000 },
    );
  });

  it('cuts very long blocks', () => {
    const text = '最'.repeat(200_000);
    assert.equal(jieba.cut(text).join(''), text);
    assert.ok(jieba.cutAll(text).length > 0);
    assert.equal(jieba.cut('-a'.repeat(100_000)).length, 200_000);
  });

  it('refuses frequencies that are no counts', () => {
    for (const frequency of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => createTiny('一 1').addWord('二', frequency), InputError);
    }
  });
});

function createTiny(dictionary: string): Jieba {
  return createJieba(encodeJiebaData({ ...tinyModel, dictionary }));
}

describe('jieba data', () => {
  it('survives the way from a dictionary text to words', () => {
    const tiny = createTiny('一二 5 n\n一 3\n一二三 1\n二 2 n\n');
    assert.deepEqual(tiny.cutAll('一二三四'), ['一二', '一二三', '四']);
    assert.deepEqual(tiny.cut('四一二'), ['四', '一二']);
  });

  it('reads the Python form of the model tables', () => {
    const python = "from __future__ import unicode_literals\nP={'B': {'\\u4e00': -3.5,\n 'x': -3.14e+100}}\n";
    assert.deepEqual(parseProbabilities(python), { B: { 一: -3.5, x: -3.14e100 } });
  });

  it('refuses dictionary lines that are not a word and a frequency', () => {
    assert.throws(() => createTiny('一二 5\n三 many'), { message: /line 2: .* found "三 many"/ });
    assert.throws(() => createTiny('一二 9999999999'), FormatError);
  });

  it('throws a FormatError, or works, for every damaged file', () => {
    const whole = encodeJiebaData({ ...tinyModel, dictionary: '一二 5\n一 3\n一二三 1\n二 2' });
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => createJieba(whole.subarray(0, length)), FormatError, `first ${length} bytes`);
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        changes => {
          const damaged = whole.slice();
          for (const [at, byte] of changes) damaged[at] = byte;
          try {
            createJieba(damaged).cut('一二三四 一二');
          } catch (error) {
            assert.ok(error instanceof Bert4ortError, String(error));
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('exactLog', () => {
  it('agrees with glibc where V8 does not', () => {
    // math.log(n) of Python 3.7 on glibc, for frequencies of jieba's dictionary
    const recorded: [number, number][] = JSON.parse(
      readFileSync(new URL('jieba-user-words/logarithms.json', fixtures), 'utf8'),
    );
    for (const [n, logarithm] of recorded) assert.equal(exactLog(n), logarithm, `log(${n})`);
  });

  it('is within one unit in the last place of Math.log everywhere', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-290, max: 1e300, noNaN: true }), x => {
        assert.ok(Math.abs(exactLog(x) - Math.log(x)) <= Math.abs(Math.log(x)) * 2.3e-16);
      }),
    );
  });
});

describe('UnitTrie', () => {
  it('finds exactly the prefixes of what was inserted', () => {
    const words = fc.uniqueArray(fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'b', '一', '二') }), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(
        words,
        fc.string({ maxLength: 5, unit: fc.constantFrom('a', 'b', '一', '二') }),
        (inserted, probe) => {
          const trie = new UnitTrie();
          const nodes = inserted.map(word => trie.insert(word));
          assert.deepEqual(
            inserted.map(word => trie.find(word)),
            nodes,
          );
          const isPrefix = probe !== '' && inserted.some(word => word.startsWith(probe));
          assert.equal(trie.find(probe) !== 0, isPrefix);
        },
      ),
    );
  });
});
