import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError, FormatError, InputError } from '../../src/core/errors.ts';
import type { TokenizerEntry } from '../../src/core/manifest.ts';
import { createTokenizer } from '../../src/tokenizers/index.ts';
import {
  createWordListTokenizer,
  parseWordList,
  writeWordList,
} from '../../src/tokenizers/words/word-list-tokenizer.ts';

const tokenizer = createWordListTokenizer(['老虎', '狐狸', '\u3000']);
const bytes = (text: string) => new TextEncoder().encode(text);

describe('word list tokenizer', () => {
  it('separates at blanks and line ends only', () => {
    assert.deepEqual(tokenizer.tokenize('老虎  狐狸\n \u3000 a\tb'), ['老虎', '狐狸', '\u3000', 'a\tb']);
    assert.deepEqual(tokenizer.encode('老虎  狐狸\n \u3000 a\tb').tokenIds, [1, 2, 3, 0]);
  });

  it('keeps the empty word beside a blank at either end', () => {
    assert.deepEqual(tokenizer.encode(' 狐狸\n').tokenIds, [0, 2, 0]);
    assert.deepEqual(tokenizer.encode('').tokenIds, [0]);
  });

  it('encodes pairs and truncates without start and end', () => {
    const { tokenIds, segmentIds } = tokenizer.encode('老虎 狐狸', ['狐狸'], { maxLen: 1 });
    assert.deepEqual({ tokenIds, segmentIds }, { tokenIds: [1, 2], segmentIds: [0, 1] });
    assert.deepEqual(tokenizer.encode('老虎 狐狸', undefined, { maxLen: 1 }).tokenIds, [1]);
    assert.deepEqual(tokenizer.tokenize('老虎 狐狸', 1), ['老虎']);
  });

  it('reads ids as words, the unknown one as a blank', () => {
    assert.equal(tokenizer.decode([1, 2]), '老虎 狐狸');
    assert.equal(tokenizer.idToToken(0), ' ');
    assert.throws(() => tokenizer.idToToken(4), InputError);
    assert.equal(tokenizer.vocabSize, 4);
  });

  it('keeps every list of words', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 4 }).filter(text => !text.includes('\n'));
    fc.assert(
      fc.property(fc.array(word), words =>
        assert.deepEqual(parseWordList(bytes(writeWordList(words)), 'words'), words),
      ),
    );
    assert.throws(() => writeWordList(['a\nb']), /word list; expected words without line ends/);
  });

  it('says which file is not UTF-8', () => {
    assert.throws(
      () => parseWordList(Uint8Array.of(0xff), 'words.txt'),
      error => error instanceof FormatError && /words\.txt/.test(error.message),
    );
  });
});

describe('tokenizers by manifest', () => {
  const files: Readonly<Record<string, string>> = {
    'vocab.txt': '[UNK]\n[CLS]\n[SEP]\na\n',
    'words.txt': '老虎\n狐狸\n',
  };
  const readFile = async (name: string) => bytes(files[name] ?? '');
  const noAsset = () => assert.fail('none is needed');

  it('builds WordPiece with the entry’s options', async () => {
    const built = await createTokenizer(
      {
        kind: 'wordpiece',
        vocab: 'vocab.txt',
        doLowerCase: true,
        wordMaxLen: 200,
        tokenStart: '[CLS]',
        tokenEnd: null,
      },
      readFile,
      noAsset,
    );
    assert.deepEqual(built.encode('A').tokenIds, [1, 3]);
  });

  it('builds word lists', async () => {
    const built = await createTokenizer({ kind: 'words', vocab: 'words.txt' }, readFile, noAsset);
    assert.deepEqual(built.encode('狐狸 和 老虎').tokenIds, [2, 0, 1]);
  });

  it('names the kinds there are', () => {
    const entry = { kind: 'bpe', vocab: 'vocab.txt' } as unknown as TokenizerEntry;
    assert.throws(() => createTokenizer(entry, readFile, noAsset), ConfigError);
  });
});
