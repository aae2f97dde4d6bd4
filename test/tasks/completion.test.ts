import assert from 'node:assert/strict';
import { ConfigError, InputError } from '../../src/core/errors.ts';
import { createChatOver } from '../../src/tasks/chat.ts';
import { createCompleterOver } from '../../src/tasks/completion.ts';
import { idOf, scriptedEngine, tableEngine, tableTokenizer } from './table-engine.ts';

const ids = (...tokens: string[]) => tokens.map(idOf);

/** An article writer: nothing around a text, which a full stop ends. */
const OPEN = { tokenizer: tableTokenizer({ tokenStart: null, tokenEnd: null, doLowerCase: true }) };
const ARTICLE = { strategy: 'greedy', endToken: '。' } as const;

describe('completion', () => {
  it('puts new text behind the prompt as it was given', async () => {
    const engine = scriptedEngine(['你', '好', '。'], OPEN);
    const { text, completions, seed } = await createCompleterOver(engine, [ARTICLE]).complete('  HELLO ');
    assert.equal(text, '  HELLO 你好。');
    assert.deepEqual(completions[0]?.tokenIds, ids('你', '好', '。'));
    assert.equal(completions[0]?.finished, true);
    assert.equal(seed, undefined);
    assert.deepEqual(engine.started[0]?.prompt, { tokenIds: ids('hello'), segmentIds: [0], segmentId: 0 });
  });

  it('decodes prompt and new ids together, or leaves the prompt out, where settings say so', async () => {
    const script = ['##ld', '。'];
    const decoded = createCompleterOver(scriptedEngine(script, OPEN), [{ ...ARTICLE, promptText: 'decoded' }]);
    assert.equal((await decoded.complete('WOR')).text, 'world。');
    const omitted = createCompleterOver(scriptedEngine(script, OPEN), [{ ...ARTICLE, promptText: 'omitted' }]);
    assert.equal((await omitted.complete('WOR')).text, 'ld。');
  });

  it('writes with segment 1 after a UniLM prompt', async () => {
    const engine = scriptedEngine(['好'], { visibility: 'prefix' });
    await createCompleterOver(engine, [{ strategy: 'greedy' }]).complete('你');
    assert.deepEqual(engine.started[0]?.prompt.tokenIds, ids('[CLS]', '你', '[SEP]'));
    assert.equal(engine.started[0]?.options.segmentId, 1);
  });

  describe('over an encoder and a decoder', () => {
    const T5 = { visibility: 'prefix', crossAttention: true } as const;
    const TITLE = { ...ARTICLE, promptText: 'omitted' } as const;

    it('begins a text of its own with the start token, 0 unless settings name another', async () => {
      const engine = scriptedEngine(['好', '。'], T5);
      const completer = createCompleterOver(engine, [TITLE]);
      const { text, completions } = await completer.complete('你');
      assert.equal(text, '好。');
      assert.deepEqual(completions[0]?.tokenIds, ids('好', '。'));
      const [request] = engine.started;
      assert.deepEqual(request?.prompt.tokenIds, ids('[CLS]', '你', '[SEP]', '[PAD]'));
      assert.deepEqual(request?.prompt.segmentIds, [0, 0, 0, 1]);
      assert.equal(request?.options.segmentId, 1);
      for (const settings of [{ startToken: '[CLS]' }, { startId: idOf('[CLS]') }]) {
        const named = scriptedEngine(['。'], T5);
        await createCompleterOver(named, [TITLE, { startId: 3 }, settings]).complete('你');
        assert.equal(named.started[0]?.prompt.tokenIds.at(-1), idOf('[CLS]'));
      }
      const decoded = createCompleterOver(scriptedEngine(['好', '。'], T5), [TITLE, { promptText: 'decoded' }]);
      assert.equal((await decoded.complete('你')).text, '你好。');
    });

    it('lets a text say again what the source says, but not what it says itself', async () => {
      const engine = tableEngine(tokenIds => (tokenIds.length < 2 ? { 你: 9, 好: 8 } : { '。': 9 }), T5);
      const completer = createCompleterOver(engine, [TITLE, { noRepeatNgram: 1 }]);
      assert.equal((await completer.complete('你')).text, '你好。');
    });

    it('is what a start token is for, and no dialogue', () => {
      assert.throws(() => createCompleterOver(scriptedEngine([], OPEN), [ARTICLE, { startId: 0 }]), /start token/);
      assert.throws(() => createCompleterOver(scriptedEngine([], T5), [{ startToken: '龘' }]), /vocabulary/);
      assert.throws(() => createChatOver(scriptedEngine([], T5), []), /encoder and a decoder/);
    });
  });

  it('cuts prompts to maxPromptLen, the end token kept', async () => {
    const engine = scriptedEngine(['好'], { visibility: 'prefix' });
    const completer = createCompleterOver(engine, [{ strategy: 'greedy', maxLen: 1, maxPromptLen: 4 }]);
    await completer.complete('你好吗');
    await completer.complete('你好吗', { maxPromptLen: 3 });
    await completer.complete('你好吗', { maxPromptLen: null });
    assert.deepEqual(
      engine.started.map(({ prompt }) => prompt.tokenIds),
      [ids('[CLS]', '你', '好', '[SEP]'), ids('[CLS]', '你', '[SEP]'), ids('[CLS]', '你', '好', '吗', '[SEP]')],
    );
    await assert.rejects(completer.complete('你', { maxPromptLen: 2 }), /maxPromptLen/);
  });

  it('does not end before minLen, and says when it was cut off', async () => {
    const engine = tableEngine(tokenIds => (tokenIds.length % 2 === 1 ? { '。': 9 } : { 好: 9 }), OPEN);
    const completer = createCompleterOver(engine, [{ ...ARTICLE, minLen: 3 }]);
    assert.equal((await completer.complete('你')).text, '你好。好。');
    const [cut] = (await completer.complete('你', { maxLen: 3 })).completions;
    assert.equal(cut?.finished, false);
  });

  it('draws n samples, each with its score', async () => {
    const engine = tableEngine(() => ({ 你: 1, 好: 1, '。': 0.5 }), OPEN);
    const completer = createCompleterOver(engine, [{ endToken: '。', maxLen: 6 }]);
    const { completions, text, seed } = await completer.complete('吗', { n: 4, seed: 7 });
    assert.equal(completions.length, 4);
    assert.equal(seed, 7);
    assert.equal(text, completions[0]?.text);
    assert.ok(completions.every(one => one.score < 0 && one.tokenIds.length <= 6));
  });

  it('streams the text, prompt included', async () => {
    const engine = scriptedEngine(['wor', '##ld', '，', '好', '。'], OPEN);
    const pieces: string[] = [];
    for await (const piece of createCompleterOver(engine, [ARTICLE]).stream('你')) pieces.push(piece);
    assert.deepEqual(pieces.join(''), '你wor' + 'ld，好。');
    assert.ok(pieces.length > 1);
  });

  it('asks for an end token where the tokenizer has none', () => {
    assert.throws(() => createCompleterOver(scriptedEngine([], OPEN), [{}]), /end token; found none/);
    assert.throws(() => createCompleterOver(scriptedEngine([], OPEN), [{ endId: 3, endToken: '。' }]), ConfigError);
    assert.throws(() => createCompleterOver(scriptedEngine([], OPEN), [{ endToken: '龘' }]), /vocabulary/);
  });

  it('lets a call name the end in another way than the defaults', async () => {
    const completer = createCompleterOver(scriptedEngine(['好', '，', '。'], OPEN), [ARTICLE]);
    assert.equal((await completer.complete('你', { endId: idOf('，') })).text, '你好，');
  });

  it('refuses prompts that the model can not take', async () => {
    const engine = scriptedEngine(['好', '。'], { ...OPEN, maxPositions: 4 });
    const completer = createCompleterOver(engine, [ARTICLE]);
    await assert.rejects(completer.complete(''), /at least one token/);
    await assert.rejects(completer.complete('你好你好你'), error => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /at most 4 tokens, the model's positions; found 5/);
      return true;
    });
    const full = await completer.complete('你好你好');
    assert.equal(full.text, '你好你好好');
    assert.equal(full.completions[0]?.finished, false, 'one more token needs no position');
  });

  it('refuses settings that it does not know', async () => {
    const completer = createCompleterOver(scriptedEngine(['。'], OPEN), [ARTICLE]);
    await assert.rejects(completer.complete('你', { promptText: 'given' } as object), /promptText/);
    await assert.rejects(completer.complete('你', { temperature: 0.5 }), /temperature/);
  });
});
