import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { FormatError, InputError } from '../../src/core/errors.ts';
import { addCapitals, addWords } from '../../src/tokenizers/compound-tokens.ts';
import { loadVocab, saveVocab, simplifyVocab, type TokenDict } from '../../src/tokenizers/vocabulary.ts';
import { createWordPieceTokenizer } from '../../src/tokenizers/wordpiece/wordpiece-tokenizer.ts';
import { assertRecorded, type Failure, readRecording, textFixtures, vocabBytes, vocabDict } from './text-recordings.ts';

type Pairs = readonly (readonly [string, number])[];

interface DictFacts {
  readonly length: number;
  readonly sha256: string;
  readonly head: Pairs;
  readonly tail: Pairs;
}

interface LoadedFacts extends DictFacts {
  readonly save_vocab_sha256?: string;
  readonly keep_length?: number;
  readonly keep_sha256?: string;
  readonly keep_tokens?: readonly number[];
}

interface GrownFacts extends DictFacts {
  readonly compound_tokens: readonly (readonly number[])[];
  readonly keep_length?: number;
  readonly compound_length?: number;
  readonly added?: readonly string[];
}

interface VocabRecording {
  readonly cases: readonly {
    readonly vocab: string;
    readonly simplified: boolean;
    readonly startswith: readonly string[] | null;
    readonly out: LoadedFacts | Failure;
  }[];
  readonly recipes: readonly {
    readonly recipe: string;
    readonly vocab: string;
    readonly user_tokens?: string;
    readonly min_count?: number;
    readonly startswith?: readonly string[];
    readonly out: GrownFacts;
  }[];
  readonly made: readonly {
    readonly file: string;
    readonly startswith: readonly string[] | null;
    readonly out: {
      readonly token_dict: Pairs;
      readonly simplified: { readonly token_dict: Pairs; readonly keep_tokens: readonly number[] } | Failure;
    };
  }[];
}

const recording = readRecording<VocabRecording>('vocab.json');
const startsWith = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];

describe('vocabulary', () => {
  it('loads, simplifies and saves every recorded file as bert4keras does', () => {
    for (const { vocab, simplified, startswith, out } of recording.cases) {
      const run = (): LoadedFacts => loadedFacts(vocab, simplified, startswith ?? [], out);
      assertRecorded(run, out, JSON.stringify({ vocab, simplified, startswith }));
    }
  });

  it('reads every odd file as bert4keras does', () => {
    for (const { file, startswith, out } of recording.made) {
      for (const given of [file, new TextEncoder().encode(file)]) {
        assert.deepEqual([...loadVocab(given).tokenDict], out.token_dict, JSON.stringify(file));
        const run = () => {
          const loaded = loadVocab(given, { simplified: true, startsWith: startswith ?? [] });
          return { token_dict: [...loaded.tokenDict], keep_tokens: loaded.keepTokens };
        };
        assertRecorded<object>(run, out.simplified, JSON.stringify(file));
      }
    }
  });

  it('grows by every recorded recipe', () => {
    const seen = new Set<string>();
    for (const { recipe, vocab, min_count, out } of recording.recipes) {
      seen.add(recipe);
      assert.deepEqual(recipes[recipe]?.(vocab, min_count ?? 0), out, `${recipe} ${vocab}`);
    }
    assert.deepEqual([...seen].sort(), Object.keys(recipes).sort());
  });

  it('comes back from its own text', () => {
    for (const vocab of ['bert', 'cgpt', 'clue']) {
      const { tokenDict } = loadVocab(vocabBytes(vocab), { simplified: true, startsWith: ['[UNK]'] });
      assert.deepEqual([...loadVocab(saveVocab(tokenDict)).tokenDict], [...tokenDict]);
    }
  });

  it('names the token that it should start with and lacks', () => {
    assert.throws(() => simplifyVocab(new Map([['a', 0]]), ['[PAD]']), InputError);
    assert.throws(() => simplifyVocab(new Map(), ['[PAD]']), /startsWith; expected tokens .*; found "\[PAD\]"/);
  });

  it('refuses bytes that are not UTF-8', () => {
    assert.throws(() => loadVocab(Uint8Array.of(0x61, 0xff)), FormatError);
  });

  it('keeps ids and rows in step, whatever the tokens', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 3 })), lines => {
        const { tokenDict } = loadVocab(lines.join('\n'));
        const simplified = simplifyVocab(tokenDict);
        assert.equal(simplified.keepTokens.length, simplified.tokenDict.size);
        for (const [token, id] of simplified.tokenDict) {
          assert.equal(simplified.keepTokens[id], tokenDict.get(token));
        }
      }),
    );
  });
});

const recipes: Readonly<Record<string, (vocab: string, minCount: number) => GrownFacts>> = {
  nezha_gpt_dialog: (vocab, minCount) => {
    const { tokenDict, keepTokens = [] } = loadVocab(vocabBytes(vocab), { simplified: true, startsWith });
    const words = userWords().filter(({ count }) => count >= minCount);
    const { tokenDict: grown, compoundTokens } = addWords(
      tokenDict,
      words.map(({ word }) => word),
      () => [0],
    );
    return {
      ...dictFacts(grown),
      keep_length: keepTokens.length,
      compound_tokens: compoundTokens,
      added: [...grown.keys()].slice(tokenDict.size),
    };
  },
  make_uncased_model_cased: vocab => {
    const { tokenDict, compoundTokens } = addCapitals(vocabDict(vocab));
    return { ...dictFacts(tokenDict), compound_length: compoundTokens.length, compound_tokens: compoundTokens };
  },
  words_from_characters: vocab => {
    const { tokenDict } = loadVocab(vocabBytes(vocab), { simplified: true, startsWith });
    const plain = createWordPieceTokenizer(vocabDict(vocab), { doLowerCase: true });
    const words = userWords().filter(({ word }) => word.length > 1);
    const { tokenDict: grown, compoundTokens } = addWords(
      tokenDict,
      words.map(({ word }) => word),
      word => plain.encode(word).tokenIds.slice(1, -1),
    );
    return {
      ...dictFacts(grown),
      compound_tokens: compoundTokens,
      added: [...grown.keys()].slice(tokenDict.size),
    };
  },
};

function loadedFacts(
  vocab: string,
  simplified: boolean,
  first: readonly string[],
  recorded: LoadedFacts | Failure,
): LoadedFacts {
  const { tokenDict, keepTokens } = loadVocab(vocabBytes(vocab), { simplified, startsWith: first });
  if (keepTokens === undefined) return { ...dictFacts(tokenDict), save_vocab_sha256: sha256(saveVocab(tokenDict)) };
  return {
    ...dictFacts(tokenDict),
    keep_length: keepTokens.length,
    keep_sha256: sha256(keepTokens.join(',')),
    ...('keep_tokens' in recorded && { keep_tokens: keepTokens }),
  };
}

function dictFacts(tokenDict: TokenDict): DictFacts {
  const pairs = [...tokenDict];
  return {
    length: tokenDict.size,
    sha256: sha256(pairs.map(([token, id]) => `${token}\t${id}\n`).join('')),
    head: pairs.slice(0, 24),
    tail: pairs.slice(-12),
  };
}

function userWords(): { readonly word: string; readonly count: number }[] {
  const lines = readFileSync(new URL('vocabs/user_tokens_made.tsv', textFixtures), 'utf8').trim().split('\n');
  return lines.map(line => {
    const [word = '', count = ''] = line.split('\t');
    return { word, count: Number(count) };
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
