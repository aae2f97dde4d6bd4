import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { architectures, findPreset, listPresets, type PresetOptions, withPreset } from '../../converters/index.ts';
import { readKeywords } from '../../converters/keywords.ts';
import { ConfigError } from '../../src/core/errors.ts';
import { memorySet } from '../../src/io/memory.ts';
import { createChat } from '../../src/tasks/chat.ts';
import { createCompleter } from '../../src/tasks/completion.ts';
import { exampleFile, openExample } from '../parity/example-models.ts';

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
