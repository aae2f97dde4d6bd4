import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { loadVocab, type TokenDict } from '../../src/tokenizers/vocabulary.ts';
import { type HuggingFaceOptions, huggingFaceFiles } from '../../src/tokenizers/wordpiece/hugging-face-files.ts';
import { createWordPieceTokenizer } from '../../src/tokenizers/wordpiece/wordpiece-tokenizer.ts';
import { textFixtures, vocabBytes, vocabDict } from './text-recordings.ts';

const lines = readFileSync(new URL('corpus/cmrc2018-trial.txt', textFixtures), 'utf8').split('\n').filter(Boolean);

/** Where Hugging Face's tokenizer gives other ids, and why. */
const divergences: readonly { readonly text: string; readonly reason: string }[] = [
  { text: '今天[MASK]错', reason: 'special tokens in the text are recognised' },
  { text: 'a\ue000b', reason: 'private use characters are dropped' },
  { text: '我𠮷𠮷你', reason: 'ideographs beyond U+FFFF are not separated' },
];

describe('Hugging Face files of a vocabulary', () => {
  for (const vocab of ['bert', 'cgpt', 'clue']) {
    for (const doLowerCase of [true, false]) {
      it(`give the same ids for Chinese text: ${vocab}, ${doLowerCase ? 'lower' : 'cased'}`, () => {
        assertSameIds(vocabDict(vocab), { doLowerCase }, lines.slice(0, 300));
      });
    }
  }

  it('give the same ids for a simplified vocabulary', () => {
    const startsWith = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];
    const { tokenDict } = loadVocab(vocabBytes('bert'), { simplified: true, startsWith });
    assertSameIds(tokenDict, { doLowerCase: true }, lines.slice(300, 500));
  });

  it('take the start and end tokens that there are', () => {
    assertSameIds(vocabDict('bert'), { tokenStart: '[unused1]', tokenEnd: null }, ['今天 Hello']);
    const files = huggingFaceFiles(vocabDict('cgpt'), { tokenEnd: '[SEP]', maxPositions: 300 });
    assert.deepEqual(JSON.parse(files['special_tokens_map.json']), {
      unk_token: '[UNK]',
      sep_token: '[SEP]',
      pad_token: '[PAD]',
      cls_token: '[CLS]',
    });
    assert.equal(JSON.parse(files['tokenizer_config.json']).model_max_length, 300);
  });

  it('keep words to the length of wordMaxLen', () => {
    const word = 'ab'.repeat(60);
    assertSameIds(vocabDict('bert'), { wordMaxLen: 119 }, [word]);
    assertSameIds(vocabDict('bert'), { wordMaxLen: 120 }, [word]);
  });

  for (const { text, reason } of divergences) {
    it(`diverge where ${reason}`, () => {
      const { ours, theirs } = idsOf(vocabDict('bert'), { doLowerCase: true }, text);
      assert.notDeepEqual(theirs, ours);
    });
  }
});

function assertSameIds(tokenDict: TokenDict, options: HuggingFaceOptions, texts: readonly string[]): void {
  const compare = comparison(tokenDict, options);
  for (const [at, text] of texts.entries()) {
    const other = texts[(at + 1) % texts.length] ?? '';
    for (const { ours, theirs } of [compare(text), compare(text, other)]) assert.deepEqual(theirs, ours, text);
  }
}

function idsOf(tokenDict: TokenDict, options: HuggingFaceOptions, text: string): { ours: object; theirs: object } {
  return comparison(tokenDict, options)(text);
}

function comparison(
  tokenDict: TokenDict,
  options: HuggingFaceOptions,
): (first: string, second?: string) => { ours: object; theirs: object } {
  const files = huggingFaceFiles(tokenDict, options);
  const theirs = new Tokenizer(JSON.parse(files['tokenizer.json']), JSON.parse(files['tokenizer_config.json']));
  const ours = createWordPieceTokenizer(tokenDict, options);
  return (first, second) => {
    const { ids, token_type_ids } = theirs.encode(
      first,
      second === undefined ? {} : { text_pair: second, return_token_type_ids: true },
    );
    const { tokenIds, segmentIds } = ours.encode(first, second);
    return second === undefined
      ? { ours: tokenIds, theirs: ids }
      : { ours: { tokenIds, segmentIds }, theirs: { tokenIds: ids, segmentIds: token_type_ids } };
  };
}
