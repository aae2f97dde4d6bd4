import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ConfigError, InputError } from '../../src/core/errors.ts';
import { createTokenizer } from '../../src/tokenizers/index.ts';
import { createJieba } from '../../src/tokenizers/jieba/jieba.ts';
import { jiebaDataUrl } from '../../src/tokenizers/jieba/load-jieba.ts';
import { cpmPreTokenize, cpmText, cpmTokenTranslate } from '../../src/tokenizers/sentencepiece/cpm-recipe.ts';
import { createSpTokenizer, type SpTokenizer } from '../../src/tokenizers/sentencepiece/sp-tokenizer.ts';
import { type ModelName, modelBytes, models, recorded } from './sentencepiece-recordings.ts';

interface RecordedOptions {
  readonly token_start?: string | null;
  readonly token_end?: string | null;
  readonly token_translate?: Readonly<Record<string, string>>;
}

function tokenizerOf(model: ModelName, options: RecordedOptions): SpTokenizer {
  return createSpTokenizer(models[model], {
    ...(options.token_start !== undefined && { tokenStart: options.token_start }),
    ...(options.token_end !== undefined && { tokenEnd: options.token_end }),
    ...(options.token_translate !== undefined && { tokenTranslate: options.token_translate }),
  });
}

describe('SpTokenizer', () => {
  interface Facts {
    readonly pad: string;
    readonly unk: string;
    readonly mask: string;
    readonly vocab_size: number;
    readonly ids: Readonly<Record<'pad' | 'unk' | 'mask' | 'start' | 'end', number | null>>;
    readonly is_special: number[];
    readonly id_past_end: string;
  }
  interface Case {
    readonly model: ModelName;
    readonly options: RecordedOptions;
    readonly first: string;
    readonly second: string | null;
    readonly args: {
      readonly maxlen?: number;
      readonly truncate_from?: 'left' | 'right' | number;
      readonly pattern?: string;
    };
    readonly out:
      | { readonly error: string }
      | {
          readonly tokens: string[];
          readonly ids: number[];
          readonly segments: number[];
          readonly decode: string;
          readonly decode_past_end?: string;
        };
  }
  interface Fact {
    readonly model: ModelName;
    readonly options: RecordedOptions;
    readonly out: Facts | { readonly error: string };
  }
  const { facts, cases } = recorded<{ readonly facts: readonly Fact[]; readonly cases: readonly Case[] }>(
    'sp_tokenizer',
  );

  it('knows the special tokens and sizes that the reference knows', () => {
    for (const { model, options, out } of facts) {
      if ('error' in out) {
        assert.throws(() => tokenizerOf(model, options), ConfigError);
        continue;
      }
      const tokenizer = tokenizerOf(model, options);
      assert.equal(tokenizer.vocabSize, out.vocab_size);
      assert.deepEqual(
        [tokenizer.idToToken(tokenizer.tokenPadId), tokenizer.idToToken(tokenizer.tokenUnkId)],
        [out.pad, out.unk],
      );
      const { tokenPadId: pad, tokenUnkId: unk, tokenMaskId: mask, tokenStartId: start, tokenEndId: end } = tokenizer;
      assert.deepEqual({ pad, unk, mask, start: start ?? null, end: end ?? null }, out.ids);
      assert.equal(tokenizer.idToToken(out.vocab_size), out.id_past_end);
      const special = [...Array(12).keys()].filter(id =>
        ['control', 'unknown', 'unused'].includes(models[model].kindOf(id)),
      );
      assert.deepEqual(special, out.is_special);
    }
  });

  it('tokenizes, encodes, truncates and decodes every recorded case', () => {
    for (const { model, options, first, second, args, out } of cases) {
      const tokenizer = tokenizerOf(model, options);
      const encode = () =>
        tokenizer.encode(first, second ?? undefined, {
          ...(args.maxlen !== undefined && { maxLen: args.maxlen }),
          ...(args.pattern !== undefined && { pattern: args.pattern }),
          ...(args.truncate_from !== undefined && { truncateFrom: args.truncate_from }),
        });
      if ('error' in out) {
        assert.throws(encode, InputError);
        continue;
      }
      assert.deepEqual(tokenizer.tokenize(first), out.tokens);
      assert.deepEqual(encode(), { tokenIds: out.ids, segmentIds: out.segments });
      assert.equal(tokenizer.decode(out.ids), out.decode);
      const pastEnd = [...out.ids, tokenizer.vocabSize + 3];
      assert.equal(tokenizer.decode(pastEnd), out.decode_past_end ?? out.decode);
    }
  });
});

describe('CPM recipe', () => {
  interface Recipe {
    readonly recipes: Readonly<
      Record<string, { readonly model: ModelName; readonly token_translate?: Record<string, string> }>
    >;
    readonly cases: readonly {
      readonly text: string;
      readonly out: Readonly<Record<string, { tokens: string[]; ids: number[]; decode: string; text: string }>>;
    }[];
  }
  const { recipes, cases } = recorded<Recipe>('sp_recipe');
  const jieba = createJieba(readFileSync(jiebaDataUrl));
  const preTokenize = cpmPreTokenize(text => jieba.cut(text));
  const tokenizers = new Map(
    Object.entries(recipes).map(([name, { model, token_translate: tokenTranslate = {} }]) => [
      name,
      createSpTokenizer(models[model], { tokenStart: null, tokenEnd: null, preTokenize, tokenTranslate }),
    ]),
  );

  it('turns every recorded text into tokens and back as CPM_LM_bert4keras does', () => {
    for (const { text, out } of cases) {
      for (const [name, expected] of Object.entries(out)) {
        const tokenizer = tokenizers.get(name);
        assert.ok(tokenizer);
        assert.deepEqual(tokenizer.tokenize(text), expected.tokens);
        assert.deepEqual(tokenizer.encode(text).tokenIds, expected.ids);
        assert.equal(tokenizer.decode(expected.ids), expected.decode);
        assert.equal(cpmText(expected.decode), expected.text);
      }
    }
  });

  it('finds the translation that each version of the model file needs', () => {
    assert.deepEqual(cpmTokenTranslate(models.cpm), recipes['cpm']?.token_translate);
    assert.deepEqual(cpmTokenTranslate(models.cpm_new), {});
    assert.deepEqual(cpmTokenTranslate(models.tiny_bpe), {});
  });

  it('is what a manifest asks for', async () => {
    const entry = {
      kind: 'sentencepiece',
      model: 'a.model',
      tokenTranslate: {},
      tokenStart: null,
      tokenEnd: '</s>',
    } as const;
    const readModel = async () => modelBytes('cpm_new');
    const built = await createTokenizer({ ...entry, preTokenize: 'jieba' }, readModel, url => readFile(url));
    assert.deepEqual(built.tokenize('今天 天气\n'), ['▁今天', '▁', '▂', '▁天气', '▁', '▃', '</s>']);
    const noAsset = () => assert.fail('none is needed');
    const plain = await createTokenizer({ ...entry, preTokenize: null }, readModel, noAsset);
    assert.deepEqual(plain.tokenize('今天天气'), ['▁今天', '天', '气', '</s>']);
  });

  it('encodes and decodes the prompts of the example model', () => {
    const lines = readFileSync(new URL('../../examples/models/completion-gpt2/goldens.jsonl', import.meta.url), 'utf8');
    const tokenizer = tokenizers.get('cpm');
    assert.ok(tokenizer);
    for (const line of lines.trim().split('\n')) {
      const { prompt, words, tokens, token_ids, output_ids, outputs } = JSON.parse(line);
      assert.deepEqual(tokenizer.encode(prompt).tokenIds, token_ids);
      if (words !== undefined) assert.deepEqual(jieba.cut(prompt), words);
      if (tokens !== undefined) assert.deepEqual(tokenizer.tokenize(prompt), tokens);
      for (const [index, ids] of (output_ids ?? []).entries()) {
        assert.equal(cpmText(tokenizer.decode([...token_ids, ...ids])), outputs[index]);
      }
    }
  });
});
