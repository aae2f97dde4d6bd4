import assert from 'node:assert/strict';
import fc from 'fast-check';
import { tokenizerFiles } from '../../converters/tokenizer-files.ts';
import { changeVocabulary, parseVocabularyChange } from '../../converters/vocabulary-change.ts';
import { ConfigError } from '../../src/core/errors.ts';
import type { Json } from '../../src/core/manifest.ts';

describe('keep_tokens and compound_tokens', () => {
  const table = { values: Float32Array.from([0, 1, 10, 11, 20, 21, 30, 31]), shape: [4, 2] };

  it('pick rows first; compound ids are ids of what is left', () => {
    const change = parseVocabularyChange([3, 1, 1], [[0, 1], { ids: [0, 2], weights: [1, 3] }]);
    assert.ok(change !== undefined);
    const { values, shape } = changeVocabulary(table, 0, change);
    assert.deepEqual(shape, [5, 2]);
    assert.deepEqual([...values], [30, 31, 10, 11, 10, 11, 20, 21, 15, 16]);
  });

  it('act on columns too', () => {
    const { values, shape } = changeVocabulary(table, 1, { keepTokens: [1], compoundTokens: [{ ids: [0, 0] }] });
    assert.deepEqual(shape, [4, 2]);
    assert.deepEqual([...values], [1, 1, 11, 11, 21, 21, 31, 31]);
  });

  it('average in double precision and round once', () => {
    const values = Float32Array.from([1e8, 1, -1e8]);
    const { values: result } = changeVocabulary({ values, shape: [3, 1] }, 0, { compoundTokens: [{ ids: [0, 1, 2] }] });
    assert.equal(result[3], Math.fround(1 / 3));
  });

  it('refuse ids outside the table, naming both', () => {
    assert.throws(() => changeVocabulary(table, 0, { keepTokens: [0, 4], compoundTokens: [] }), {
      name: 'ConfigError',
      message: /keep_tokens; expected ids below 4, the rows of the table; found 4/,
    });
    assert.throws(() => changeVocabulary(table, 0, { keepTokens: [0], compoundTokens: [{ ids: [1] }] }), ConfigError);
  });

  it('say everything that is wrong at once', () => {
    assert.throws(
      () => parseVocabularyChange('0,1', [[1.5], { ids: [0], weights: [] }, { ids: [0], weight: [1] }, 7]),
      {
        name: 'ConfigError',
        message:
          /keep_tokens: not a list of ids; .*compound_tokens\[0\]: ids are whole.*compound_tokens\[1\]: needs as many.*compound_tokens\[2\]: unknown key "weight"; .*compound_tokens\[3\]: not a list/,
      },
    );
  });

  it('are absent when neither is given', () => {
    assert.equal(parseVocabularyChange(undefined, null), undefined);
  });

  it('never fail with anything but a ConfigError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (keep, compound) => {
        try {
          const change = parseVocabularyChange(keep as Json, compound as Json);
          if (change !== undefined) changeVocabulary(table, 0, change);
        } catch (error) {
          assert.ok(error instanceof ConfigError, `${error}`);
        }
      }),
    );
  });
});

describe('vocab.txt', () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  const vocab = encode('[PAD]\n[UNK]\n[CLS]\n[SEP]\n的\n##的\n');
  const finalText = (files: ReadonlyMap<string, Uint8Array>) => new TextDecoder().decode(files.get('vocab.txt'));

  it('is copied byte for byte when nothing changes', () => {
    const odd = encode('[PAD]\r\n a b \r\n');
    const { files, entry } = tokenizerFiles({ kind: 'wordpiece', vocab: odd }, { rows: 2, maxPositions: 512 });
    assert.deepEqual(files.get('vocab.txt'), odd);
    assert.deepEqual(entry, {
      kind: 'wordpiece',
      vocab: 'vocab.txt',
      doLowerCase: true,
      wordMaxLen: 200,
      tokenStart: '[CLS]',
      tokenEnd: '[SEP]',
    });
    assert.ok(
      files.has('tokenizer.json') && files.has('tokenizer_config.json') && files.has('special_tokens_map.json'),
    );
  });

  it('is pruned and grown like the table', () => {
    const change = { keepTokens: [0, 1, 4], compoundTokens: [{ ids: [2] }] };
    const source = { kind: 'wordpiece', vocab, compoundNames: ['<S>'] } as const;
    const { files } = tokenizerFiles(source, { rows: 4, change, maxPositions: null });
    assert.equal(finalText(files), '[PAD]\n[UNK]\n的\n<S>\n');
    const again = { kind: 'wordpiece', vocab: encode(finalText(files)) } as const;
    assert.equal(finalText(tokenizerFiles(again, { rows: 4, change, maxPositions: null }).files), finalText(files));
  });

  it('of another size than the table is refused with both numbers', () => {
    const refused = (rows: number) => () => tokenizerFiles({ kind: 'wordpiece', vocab }, { rows, maxPositions: 512 });
    assert.throws(refused(134), { name: 'ConfigError', message: /expected 134 tokens, .*; found 6 tokens/ });
    assert.throws(refused(5), { name: 'ConfigError', message: /expected 5 tokens, .*; found 6 tokens/ });
  });

  it('may be a little smaller than a table that has rows to spare', () => {
    const { files, spareRows } = tokenizerFiles({ kind: 'wordpiece', vocab }, { rows: 8, maxPositions: 512 });
    assert.deepEqual([files.get('vocab.txt'), spareRows], [vocab, 2]);
    const change = { keepTokens: [5, 0, 4], compoundTokens: [] };
    const pruned = tokenizerFiles({ kind: 'wordpiece', vocab }, { rows: 3, storedRows: 8, change, maxPositions: 512 });
    assert.equal(finalText(pruned.files), '##的\n[PAD]\n的\n');
    assert.equal(pruned.spareRows, 0);
  });

  it('of less than half the table is refused, however small that is', () => {
    const source = { kind: 'wordpiece', vocab: encode('{"a": 1}') } as const;
    assert.throws(() => tokenizerFiles(source, { rows: 20, maxPositions: 512 }), { name: 'ConfigError' });
  });

  it('may end in blank lines', () => {
    const source = { kind: 'wordpiece', vocab: encode(`${new TextDecoder().decode(vocab)}\n\r\n`) } as const;
    const { files, spareRows } = tokenizerFiles(source, { rows: 6, maxPositions: 512 });
    assert.deepEqual([files.get('vocab.txt'), spareRows], [source.vocab, 0]);
    const change = { compoundTokens: [{ ids: [2] }] };
    const grown = tokenizerFiles(
      { ...source, compoundNames: ['<S>'] },
      { rows: 7, storedRows: 6, change, maxPositions: 512 },
    );
    assert.equal(finalText(grown.files), '[PAD]\n[UNK]\n[CLS]\n[SEP]\n的\n##的\n<S>\n');
    const blankRow = tokenizerFiles(source, { rows: 7, maxPositions: 512 });
    assert.equal(blankRow.spareRows, 0);
  });

  it('needs names for appended tokens', () => {
    const change = { compoundTokens: [{ ids: [2] }, { ids: [3] }] };
    assert.throws(() => tokenizerFiles({ kind: 'wordpiece', vocab }, { rows: 8, change, maxPositions: null }), {
      name: 'ConfigError',
      message:
        /expected 8 different tokens, .*; found 6 tokens, 6 after keep_tokens and 0 added names\. Name the 2 tokens/,
    });
  });
});
