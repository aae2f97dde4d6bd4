/**
 * Chat over real files: settings of the manifest, damaged directories, and overlapping calls.
 */
import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Bert4ortError, ConfigError, InputError } from '../../src/core/errors.ts';
import type { Json } from '../../src/core/manifest.ts';
import type { Model } from '../../src/model.ts';
import { loadModel } from '../../src/node.ts';
import { createChat } from '../../src/tasks/chat.ts';
import { createCompleter } from '../../src/tasks/completion.ts';
import { openExample } from '../parity/example-models.ts';

describe('chat over a model directory', () => {
  let model: Model;
  let directory: string;
  let close: () => Promise<void>;
  before(async () => {
    ({ model, directory, close } = await openExample('chat-cdial'));
  });
  after(() => close());

  it('answers overlapping calls as it answers one after another', async () => {
    const chat = await createChat(model);
    const histories = [['你好'], ['你好', '你好呀', '你叫什么'], ['今天天气怎么样'], ['我叫小明'], ['再见']];
    const alone: string[] = [];
    for (const history of histories) alone.push((await chat.reply(history, { seed: 3 })).text);
    const together = await Promise.all(histories.map(history => chat.reply(history, { seed: 3 })));
    assert.deepEqual(
      together.map(reply => reply.text),
      alone,
    );
  });

  it('answers a dialogue turn by turn as it answers each turn anew', async () => {
    const chat = await createChat(model);
    const history: string[] = [];
    for (const line of ['你好', '我叫小明', '今天天气怎么样', '我叫什么']) {
      history.push(line);
      const reply = await chat.reply(history, { seed: 5 });
      assert.deepEqual((await (await createChat(model)).reply(history, { seed: 5 })).tokenIds, reply.tokenIds);
      history.push(reply.text);
    }
  });

  it('keeps within the 513 positions, however long the history', async () => {
    const chat = await createChat(model);
    const history = Array.from({ length: 61 }, () => '今天天气怎么样');
    const { droppedTurns, text } = await chat.reply(history, { strategy: 'greedy' });
    assert.ok(droppedTurns > 0 && droppedTurns < 10);
    assert.equal(text, (await chat.reply(history.slice(droppedTurns), { strategy: 'greedy' })).text);
    await assert.rejects(chat.reply(['好'.repeat(600)]), InputError);
    assert.ok((await chat.reply(['你好'])).text.length > 0, 'still usable');
  });

  it('reads the settings of the manifest strictly', async () => {
    const withTasks = async (tasks: Json, use: (changed: Model) => Promise<unknown>) => {
      await changed(directory, 'bert4ort.json', text => JSON.stringify({ ...JSON.parse(text), tasks }), use);
    };
    await withTasks({ chat: { speaker: ['a', 'b'] } }, changedModel =>
      assert.rejects(createChat(changedModel), /tasks\.chat of bert4ort\.json.*found speaker$/),
    );
    await withTasks({ chat: { speakers: ['[speaker1]'] } }, changedModel =>
      assert.rejects(createChat(changedModel), ConfigError),
    );
    await withTasks({ completion: { topP: 'high' } }, changedModel =>
      assert.rejects(createCompleter(changedModel), /topP.*a number; found "high"/),
    );
    await withTasks({ chat: { topK: 0 } }, async changedModel => {
      const chat = await createChat(changedModel);
      await assert.rejects(chat.reply(['你好']), ConfigError);
      assert.ok((await chat.reply(['你好'], { topK: 2 })).tokenIds.length > 0);
    });
  });

  it('answers damaged files with typed errors', async () => {
    await changed(
      directory,
      'onnx/step.onnx',
      text => text.slice(0, 100),
      async damaged => {
        await assert.rejects(createChat(damaged), Bert4ortError);
      },
    );
    await changed(
      directory,
      'vocab.txt',
      () => '[PAD]\n[UNK]\n',
      damaged => assert.rejects(createChat(damaged), /start token; expected one in the vocabulary/),
    );
  });

  it('answers weights that are no numbers with a typed error', async () => {
    const nan = Buffer.from(new Float32Array(64).fill(Number.NaN).buffer);
    const spoil = async (folder: string) => {
      const file = path.join(folder, 'onnx/model.onnx_data');
      const bytes = await readFile(file);
      for (let at = 0; at + nan.length < bytes.length; at += 4096) nan.copy(bytes, at);
      await writeFile(file, bytes);
    };
    await copied(directory, spoil, async spoiled => {
      const chat = await createChat(spoiled);
      await assert.rejects(chat.reply(['你好'], { seed: 1 }), InputError);
      await assert.rejects(chat.reply(['你好'], { strategy: 'beam' }), InputError);
    });
  });
});

/** Uses a copy of a model directory with one text file changed. */
function changed(
  directory: string,
  file: string,
  change: (text: string) => string,
  use: (model: Model) => Promise<unknown>,
): Promise<void> {
  const rewrite = async (folder: string) => {
    const place = path.join(folder, file);
    await writeFile(place, change(await readFile(place, 'latin1')), 'latin1');
  };
  return copied(directory, rewrite, use);
}

async function copied(
  directory: string,
  change: (folder: string) => Promise<void>,
  use: (model: Model) => Promise<unknown>,
): Promise<void> {
  const folder = `${directory}-changed`;
  await cp(directory, folder, { recursive: true });
  try {
    await change(folder);
    const model = await loadModel(folder, { session: { threads: 1 } });
    try {
      await use(model);
    } finally {
      await model.dispose();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
