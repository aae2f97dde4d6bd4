import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { InputError } from '../../src/core/errors.ts';
import { loadJieba } from '../../src/tokenizers/jieba/load-jieba.ts';
import { codePointLength } from '../../src/tokenizers/text/python-string.ts';
import type { EncodeOptions } from '../../src/tokenizers/tokenizer.ts';
import { loadVocab } from '../../src/tokenizers/vocabulary.ts';
import { createWordPieceTokenizer } from '../../src/tokenizers/wordpiece/wordpiece-tokenizer.ts';
import { readRecording, vocabDict } from './text-recordings.ts';
import { replayDecode, replayEncode, replayTokenizer, replayWords, tokenizerOf } from './wordpiece-recordings.ts';

const configs = ['bert.lower', 'bert.cased', 'cgpt.lower', 'clue.cased'];

/** Text from every corner of Unicode, with the pieces that tokenizing treats in its own way. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.constantFrom(
        '今天',
        'Hello',
        "don't",
        '##ing',
        '[MASK]',
        ' ',
        '\u200b',
        'é',
        'İ',
        'ΑΣ',
        '𠮷',
        '한국',
        'x'.repeat(201),
      ),
    ),
    { maxLength: 8 },
  )
  .map(parts => parts.join(''));

const toy = loadVocab(['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'b', '##b', '中', '##', '好的'].join('\n')).tokenDict;

describe('WordPiece tokenizer', () => {
  it('answers every recorded text as bert4keras does', () => replayTokenizer(readRecording('tokenizer.json')));

  it('encodes every recorded pair as bert4keras does', () => replayEncode(readRecording('encode.json')));

  it('decodes every recorded sequence as bert4keras does', () => replayDecode(readRecording('decode.json')));

  it('takes words cut by jieba as bert4keras does', async () => {
    const jieba = await loadJieba(url => readFile(url));
    replayWords(readRecording('words.json'), text => jieba.cut(text, { hmm: false }));
  });

  it('takes words cut beforehand where the vocabulary has them', () => {
    const tokenizer = createWordPieceTokenizer(toy, { preTokenize: text => text.split('|'), doLowerCase: true });
    assert.deepEqual(tokenizer.tokenize('好的|AB|好中'), ['[CLS]', '好的', 'a', '##b', '好', '中', '[SEP]']);
  });

  it('leaves lists of tokens as they were', () => {
    const first = Object.freeze(['[CLS]', 'a', 'a', '[SEP]']);
    const second = Object.freeze(['[CLS]', 'b', '[SEP]']);
    const { tokenIds } = createWordPieceTokenizer(toy).encode(first, second, { maxLen: 5 });
    assert.deepEqual(tokenIds, [2, 4, 3, 5, 3]);
  });

  it('names an index that truncation cannot take', () => {
    const encode = () => createWordPieceTokenizer(toy).encode(['a', 'a'], undefined, { maxLen: 1, truncateFrom: 4 });
    assert.throws(encode, error => error instanceof InputError && /index 4 when 2 are left/.test(error.message));
  });

  it('has no ids of text without [UNK] in the vocabulary, as bert4keras', () => {
    const tokenizer = createWordPieceTokenizer(new Map([['a', 0]]));
    assert.equal(tokenizer.tokenUnkId, undefined);
    assert.deepEqual(tokenizer.tokenize('a'), ['[CLS]', 'a', '[SEP]']);
    assert.throws(() => tokenizer.tokenToId('a'), /vocabulary; expected \[UNK\]/);
    assert.throws(() => tokenizer.encode('a'), /vocabulary; expected \[UNK\]/);
    assert.equal(tokenizer.decode([0]), 'a');
  });

  it('refuses ids that are not in the vocabulary and tokens that are not in the text', () => {
    const tokenizer = createWordPieceTokenizer(toy);
    assert.throws(() => tokenizer.decode([4, 99]), /token id; expected an id of the vocabulary; found 99/);
    assert.throws(() => tokenizer.rematch('ab', ['a', 'a']), /token 1: rematch/);
  });

  it('gives the later token of two with the same id', () => {
    const twice = loadVocab('[UNK]\na\nb\na\nc').tokenDict;
    const tokenizer = createWordPieceTokenizer(twice);
    assert.deepEqual(tokenizer.tokensToIds(['a', 'b', 'c']), [3, 2, 3]);
    assert.equal(tokenizer.idToToken(3), 'c');
  });
});

describe('WordPiece tokenizer, on any text', () => {
  it('gives ids, with and without tokens in between', () => {
    fc.assert(
      fc.property(fc.constantFrom(...configs), anyText, (config, text) => {
        const tokenizer = tokenizerOf(config);
        const tokens = tokenizer.tokenize(text);
        assert.deepEqual(tokenizer.encode(text).tokenIds, tokenizer.tokensToIds(tokens));
        assert.ok(tokens.every(token => codePointLength(token) > 0));
      }),
      { numRuns: 400 },
    );
  });

  it('finds every token again, front to back', () => {
    fc.assert(
      fc.property(fc.constantFrom(...configs), anyText, (config, text) => {
        const tokenizer = tokenizerOf(config);
        const indices = tokenizer.rematch(text, tokenizer.tokenize(text)).flat();
        assert.deepEqual(
          indices,
          indices.toSorted((first, second) => first - second),
        );
        assert.ok(indices.every(index => index >= 0 && index < codePointLength(text.toLowerCase())));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps to maxLen wherever it truncates', () => {
    const options = fc.record({
      maxLen: fc.integer({ min: 4, max: 24 }),
      pattern: fc.constantFrom('S*E*E', 'S*ES*E'),
      truncateFrom: fc.constantFrom<NonNullable<EncodeOptions['truncateFrom']>>('left', 'right', 0, 1, -1, -2, [-2, 1]),
    });
    fc.assert(
      fc.property(anyText, fc.option(anyText, { nil: undefined }), options, (first, second, args) => {
        const { tokenIds, segmentIds } = tokenizerOf('bert.lower').encode(first, second, args);
        assert.ok(tokenIds.length <= args.maxLen);
        assert.equal(segmentIds.length, tokenIds.length);
      }),
      { numRuns: 400 },
    );
  });

  it('decodes what it decoded to the same text, for words of the vocabulary', () => {
    const words = [...vocabDict('bert').keys()].filter(token => /^[a-z]+$|^[一-龥]$/.test(token));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 12 }), chosen => {
        const tokenizer = tokenizerOf('bert.lower');
        const text = tokenizer.decode(tokenizer.tokensToIds(chosen));
        assert.equal(tokenizer.decode(tokenizer.encode(text).tokenIds), text);
      }),
    );
  });

  it('cuts hostile words in linear time', () => {
    const tokenizer = createWordPieceTokenizer(vocabDict('bert'), { wordMaxLen: Number.POSITIVE_INFINITY });
    const word = `${'ab'.repeat(50_000)}\u{10ffff}`;
    assert.deepEqual(tokenizer.encode(word).tokenIds, [101, 100, 102]);
  });
});
