/** `chat` and `complete`: replies of the reference, settings kept by `convert`, overridden by flags, and in a terminal. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chatRepl } from '../../src/cli/chat.ts';
import { completionRepl } from '../../src/cli/complete.ts';
import { loadModel, type Model } from '../../src/node.ts';
import { createChat } from '../../src/tasks/chat.ts';
import { createCompleter } from '../../src/tasks/completion.ts';
import { callCli, jsonLines } from './run-cli.ts';

const CHAT = 'examples/models/chat-nezha';
const GPT2 = 'examples/models/completion-gpt2';

describe('commands that write text', () => {
  let folder = '';
  const models = { chat: '', gpt2: '' };
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-writing-'));
    models.chat = path.join(folder, 'chat');
    models.gpt2 = path.join(folder, 'gpt2');
    const chat = await callCli([
      ...['convert', '--config', `${CHAT}/config.json`, '--checkpoint', `${CHAT}/model.ckpt`],
      ...['--vocab', `${CHAT}/vocab.txt`, '--model', 'nezha', '--application', 'lm', '--out', models.chat],
      ...['--strategy', 'greedy', '--max-len', '32', '--task', 'chat'],
    ]);
    assert.equal(chat.code, 0, chat.stderr);
    const gpt2 = await callCli([
      ...['convert', '--config', `${GPT2}/config.json`, '--checkpoint', `${GPT2}/model.ckpt`, '--out', models.gpt2],
      ...['--vocab', `${GPT2}/chinese_vocab.model`, '--pre-tokenize', 'jieba', '--token-translate', '{"▃":"<cls>"}'],
      ...['--model', 'gpt2', '--strategy', 'greedy', '--max-len', '16', '--end-id', '3'],
    ]);
    assert.equal(gpt2.code, 0, gpt2.stderr);
  });
  after(() => rm(folder, { recursive: true }));

  async function withLines(command: string, model: string, items: readonly object[], flags: readonly string[] = []) {
    const input = path.join(folder, 'input.jsonl');
    await writeFile(input, items.map(item => JSON.stringify(item)).join('\n'));
    const result = await callCli([command, model, '--input', input, '--threads', '1', ...flags]);
    return { ...result, lines: jsonLines(result.stdout) };
  }

  it('replies as the reference, line by line', async () => {
    const examples = jsonLines(await readFile(`${CHAT}/examples.jsonl`, 'utf8'));
    const items = examples.map(({ history }, id) => ({ id, history }));
    const { code, lines, stderr } = await withLines('chat', models.chat, [...items, { id: 'bad', history: [] }]);
    assert.deepEqual(
      lines.slice(0, -1).map(({ id, reply }) => ({ id, reply })),
      examples.map(({ reply }, id) => ({ id, reply })),
    );
    assert.equal(lines.at(-1)?.['id'], 'bad');
    assert.ok(lines.at(-1)?.['error']);
    assert.equal(code, 1);
    assert.match(stderr, /1 of \d+ lines could not be answered/);
  });

  it('completes as the reference, and flags override what the model was converted with', async () => {
    const examples = jsonLines(await readFile(`${GPT2}/examples.jsonl`, 'utf8')).slice(0, 4);
    const items = examples.map(({ prompt }, id) => ({ id, prompt }));
    const { code, lines } = await withLines('complete', models.gpt2, items);
    assert.equal(code, 0);
    assert.deepEqual(
      lines.map(line => (line['completions'] as { text: string }[])[0]?.text),
      examples.map(({ output }) => output),
    );
    const flags = ['--strategy', 'sample', '--seed', '7', '--n', '3', '--max-len', '4'];
    const [first, second] = [
      await withLines('complete', models.gpt2, items.slice(0, 1), flags),
      await withLines('complete', models.gpt2, items.slice(0, 1), flags),
    ];
    assert.equal(Object.keys(first.lines[0]?.['completions'] ?? {}).length, 3);
    assert.deepEqual(first.lines, second.lines, 'a seed repeats the draw');
  });

  it('writes the same with the cache, without, and as measured, which is kept beside the model', async () => {
    const examples = jsonLines(await readFile(`${CHAT}/examples.jsonl`, 'utf8')).slice(0, 6);
    const items = examples.map(({ history }, id) => ({ id, history }));
    const expected = examples.map(({ reply }, id) => ({ id, reply }));
    const profile = path.join(models.chat, 'bert4ort.profile.json');
    await rm(profile, { force: true });
    for (const flags of [['--cache', 'on'], ['--cache', 'off'], ['--cache', 'auto'], [], ['--workers', '2']]) {
      const kept = flags[1] !== 'on' && flags[1] !== 'off';
      const { code, lines, stderr } = await withLines('chat', models.chat, items, flags);
      assert.equal(code, 0, stderr);
      assert.deepEqual(
        lines.map(({ id, reply }) => ({ id, reply })),
        expected,
        flags.join(' '),
      );
      assert.equal(/^measured once: with/.test(stderr), flags[1] === 'auto', stderr);
      assert.equal(existsSync(profile), kept);
    }
    const inspected = await callCli(['inspect', models.chat]);
    assert.match(inspected.stdout, /bert4ort\.profile\.json: writes with.* on cpu, .*, 1 threads, onnxruntime-node/);
    await rm(profile);
    const { stderr } = await withLines('chat', models.chat, items.slice(0, 1), ['--json']);
    assert.equal(JSON.parse(stderr).strategy.source, 'measured');
    assert.equal((await withLines('chat', models.chat, items, ['--cache', 'maybe'])).code, 2);
    const crowd = await withLines('chat', models.chat, items, ['--workers', '-1', '--json']);
    assert.equal(JSON.parse(crowd.stderr).code, 'CONFIG');
  });

  it('converts with a preset, flags over it', async () => {
    const out = path.join(folder, 'preset');
    const files = [
      '--config',
      `${CHAT}/config.json`,
      '--checkpoint',
      `${CHAT}/model.ckpt`,
      '--vocab',
      `${CHAT}/vocab.txt`,
    ];
    const { code, stderr } = await callCli([
      ...['convert', '--preset', 'nezha-chat', ...files, '--out', out, '--strategy', 'greedy'],
    ]);
    assert.equal(code, 0, stderr);
    const { lines } = await withLines('chat', out, [
      { id: 1, history: ['我叫小明', '小明你好，很高兴认识你', '我叫什么'] },
    ]);
    assert.equal(lines[0]?.['reply'], '你叫小明');
    const unknown = await callCli(['convert', '--preset', 'nezha-chta', ...files, '--out', out]);
    assert.match(unknown.stderr, /nezha-chat/);
    const listed = JSON.parse((await callCli(['convert', '--list-presets', '--json'])).stdout);
    assert.ok(listed.some(({ name }: { name: string }) => name === 'nezha-chat'));
  });

  it('writes from a source with an encoder and a decoder, and begins with the token that it is told to', async () => {
    const place = 'test/fixtures/cases/mt5-keep-tokens';
    const recorded = JSON.parse(await readFile(`${place}/case.json`, 'utf8'));
    const decode = recorded.decode.find(({ topk }: { topk: number }) => topk === 1);
    const [vocab, keep, out] = ['t5-vocab.txt', 'keep.json', 't5'].map(name => path.join(folder, name));
    // One letter a token, so that texts are the recorded ids.
    const letters = Array.from({ length: recorded.build.keep_tokens.length }, (_, i) =>
      String.fromCodePoint(0x4e00 + i),
    );
    await writeFile(vocab ?? '', letters.with(1, '[UNK]').join('\n'));
    await writeFile(keep ?? '', JSON.stringify(recorded.build.keep_tokens));
    const { code, stderr } = await callCli([
      ...['convert', '--config', `${place}/config.json`, '--checkpoint', `${place}/${recorded.checkpoint.path}`],
      ...['--model', 'mt5.1.1', '--gelu', recorded.build.gelu, '--keep-tokens', keep ?? '', '--out', out ?? ''],
      ...['--vocab', vocab ?? '', '--token-start', '', '--token-end', '', '--strategy', 'bert4keras-beam'],
      ...['--top-k', '1', '--max-len', '12', '--start-id', '0', '--end-id', String(decode.end_id)],
    ]);
    assert.equal(code, 0, stderr);
    const source: number[] = decode.inputs['Encoder-Input-Token'];
    const items = [{ id: 1, prompt: source.map(id => letters[id]).join('') }];
    const { lines } = await withLines('complete', out ?? '', items);
    const written: number[] = decode.output.slice(1);
    assert.deepEqual(lines[0]?.['completions'], [
      { text: written.map(id => letters[id]).join(''), token_ids: written },
    ]);
    const other = await withLines('complete', out ?? '', items, ['--start-token', letters[5] ?? '']);
    assert.notDeepEqual(other.lines[0]?.['completions'], lines[0]?.['completions']);
    const cut = await withLines('complete', out ?? '', items, ['--max-prompt-len', '4']);
    const short = [
      {
        id: 1,
        prompt: source
          .slice(0, 4)
          .map(id => letters[id])
          .join(''),
      },
    ];
    assert.deepEqual(cut.lines, (await withLines('complete', out ?? '', short)).lines);
    assert.match((await withLines('chat', out ?? '', items)).stderr, /encoder and a decoder/);
  });

  it('refuses options that do not apply, and input that is not there', async () => {
    const { code, lines } = await withLines('chat', models.chat, [{ id: 1, history: ['你好'] }], ['--width', '3']);
    assert.equal(code, 1);
    assert.match(String(lines[0]?.['error']), /width/);
    const alone = await callCli(['chat', models.chat]);
    assert.equal(alone.code, 2);
    assert.match(alone.stderr, /expected --input FILE/);
  });

  it('talks: streams the reply, remembers the conversation, forgets it when told', async () => {
    await withModel(models.chat, async model => {
      let written = '';
      const repl = chatRepl(await createChat(model), {}, text => {
        written += text;
      });
      const { signal } = new AbortController();
      await repl.handle('我叫小明', signal);
      written = '';
      await repl.handle('我叫什么', signal);
      assert.equal(written, '你叫小明\n');
      repl.commands['reset']?.run('');
      written = '';
      await repl.handle('我叫什么', signal);
      assert.notEqual(written, '你叫小明\n');
    });
  });

  it('stops a reply and keeps it out of the conversation', async () => {
    await withModel(models.chat, async model => {
      const controller = new AbortController();
      const repl = chatRepl(await createChat(model), {}, () => controller.abort());
      await assert.rejects(repl.handle('你好', controller.signal), { code: 'ABORTED' });
    });
  });

  it('completes prompts with line breaks', async () => {
    await withModel(models.gpt2, async model => {
      let written = '';
      const repl = completionRepl(await createCompleter(model), {}, text => {
        written += text;
      });
      await repl.handle('肯尼亚的首都是内罗毕\\n老挝的首都是', new AbortController().signal);
      assert.equal(written, '肯尼亚的首都是内罗毕\n老挝的首都是万象\n\n');
    });
  });
});

async function withModel(directory: string, use: (model: Model) => Promise<void>): Promise<void> {
  const model = await loadModel(directory, { session: { threads: 1 } });
  try {
    await use(model);
  } finally {
    await model.dispose();
  }
}
