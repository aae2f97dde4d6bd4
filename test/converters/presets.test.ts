import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  architectures,
  convert,
  findPreset,
  listPresets,
  type PresetOptions,
  withPreset,
} from '../../converters/index.ts';
import { readKeywords } from '../../converters/keywords.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { ConfigError } from '../../src/core/errors.ts';
import { memorySet, memorySink } from '../../src/io/memory.ts';
import { loadModel, splitPath } from '../../src/node.ts';
import { createChat } from '../../src/tasks/chat.ts';
import { createCompleter } from '../../src/tasks/completion.ts';
import { createEmbedder } from '../../src/tasks/embed.ts';
import { exampleFile, openExample } from '../parity/example-models.ts';
import { CASES } from '../parity/recorded-cases.ts';

const files: PresetOptions = {
  checkpoint: { files: memorySet(new Map()), name: 'model.ckpt' },
  config: new Uint8Array(),
};

describe('presets', () => {
  it('are a table of known architectures and keywords, by name', () => {
    const names = listPresets().map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)].toSorted());
    for (const { keywords, link, describe: text } of listPresets()) {
      assert.ok(architectures[keywords.model] !== undefined);
      readKeywords(keywords, {});
      assert.match(link, /^https:\/\//);
      assert.ok(text.length > 10);
    }
  });

  it('are found by name, and a slip of the pen is answered with the nearest', () => {
    assert.equal(findPreset('cpm-lm').keywords.model, 'gpt2');
    assert.throws(() => findPreset('nezha-chta'), /nezha-chat/);
    assert.throws(() => findPreset('?'), ConfigError);
  });

  it('stand under what a user gives', () => {
    const options = withPreset('cdial-gpt', {
      ...files,
      vocab: new Uint8Array([1]),
      keywords: { max_position: 64 },
      tokenizer: { doLowerCase: false },
      tasks: { chat: { topK: 3 } },
    });
    assert.deepEqual(options.keywords, { model: 'gpt', max_position: 64 });
    assert.deepEqual(options.tokenizer, { kind: 'wordpiece', doLowerCase: false, vocab: new Uint8Array([1]) });
    assert.deepEqual(options.tasks, {
      chat: { speakers: ['[speaker1]', '[speaker2]'], strategy: 'sample', topK: 3, maxLen: 32 },
    });
    assert.equal(withPreset('cdial-gpt', files).tokenizer, undefined);
  });

  it('prune a full vocabulary as the program does, and leave a simplified one', () => {
    const full = readFileSync(exampleFile('chat-nezha', 'training/vocab.txt'));
    const { keep_tokens: kept } = withPreset('mlm-rc', { ...files, vocab: full }).keywords;
    assert.ok(Array.isArray(kept));
    assert.deepEqual(kept.slice(0, 5), [0, 100, 101, 102, 103]);
    assert.equal(kept.length, 13_585);
    const simplified = readFileSync(exampleFile('qa-unilm', 'vocab.txt'));
    for (const name of ['mlm-rc', 'seq2seq-rc']) {
      assert.equal(withPreset(name, { ...files, vocab: simplified }).keywords['keep_tokens'], undefined);
    }
  });

  it('take no vocabulary where the configuration holds the words', () => {
    assert.deepEqual(withPreset('cmrc-cloze', files).keywords, { model: 'cloze-bilstm' });
    assert.equal('tokenizer' in withPreset('cmrc-cloze', files), false);
    assert.throws(
      () => withPreset('cmrc-cloze', { ...files, vocab: new Uint8Array([1]) }),
      (error: Error) => error instanceof ConfigError && /vocabulary of preset cmrc-cloze/.test(error.message),
    );
  });

  it('let one model write similar sentences and compare them', async () => {
    const folder = path.join(CASES, 'roformer-unilm-h5');
    const config: JsonObject = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'));
    const filler = Array.from({ length: Number(config['vocab_size']) - 6 }, (_, i) => `[unused${i}]`);
    const sink = memorySink();
    const options = withPreset('roformer-sim', {
      checkpoint: await splitPath(path.join(folder, 'best_model.h5')),
      config: new TextEncoder().encode(JSON.stringify(config)),
      vocab: new TextEncoder().encode(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '天', '气', ...filler].join('\n')),
      keywords: { ignore_invalid_weights: true }, // the recording has no pooler
    });
    await convert(options, sink);
    const model = await loadModel(memorySet(sink.files));
    try {
      const { vectors } = await (await createEmbedder(model)).embed(['天气', '天']);
      for (const vector of vectors) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
      const completer = await createCompleter(model);
      const { completions } = await completer.complete('天气', { seed: 1, n: 3 });
      assert.equal(completions.length, 3);
      for (const { tokenIds } of completions) assert.ok(tokenIds.length > 0 && tokenIds.length <= 64);
    } finally {
      await model.dispose();
    }
  });

  const expected = {
    'chat-nezha': { architecture: 'nezha', application: 'lm', tasks: ['chat'] },
    'chat-cdial': { architecture: 'gpt', application: 'lm', tasks: ['chat'] },
    'completion-gpt2': { architecture: 'gpt2', application: 'lm', tasks: ['completion'] },
    'completion-gpt2ml': { architecture: 'gpt2_ml', application: 'lm', tasks: ['completion'] },
    'qa-unilm': { architecture: 'bert', application: 'unilm', tasks: [] },
    'qa-mlm': { architecture: 'bert', application: 'encoder', tasks: [] },
  } as const;

  for (const [name, { architecture, application, tasks }] of Object.entries(expected)) {
    it(`convert the example ${name}`, async () => {
      const { model, close } = await openExample(name as keyof typeof expected);
      try {
        const { manifest } = model;
        assert.equal(manifest.architecture, architecture);
        assert.equal(manifest.application, application);
        assert.deepEqual(Object.keys(manifest.tasks), tasks);
        if (name.startsWith('chat')) await createChat(model);
        if (name.startsWith('completion')) await createCompleter(model);
        if (architecture === 'bert') await assert.rejects(createChat(model, { topk: 5 } as object), /topk/);
        if (name === 'qa-mlm') await assert.rejects(createCompleter(model), /a language model; found an encoder/);
        if (name !== 'completion-gpt2') return;
        assert.ok(manifest.tokenizer?.kind === 'sentencepiece');
        assert.deepEqual(manifest.tokenizer.tokenTranslate, { '\u2583': '<cls>' });
      } finally {
        await close();
      }
    });
  }
});
