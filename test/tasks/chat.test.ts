import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AbortedError, ConfigError, InputError } from '../../src/core/errors.ts';
import { type ChatSettings, createChatOver } from '../../src/tasks/chat.ts';
import { idOf, scriptedEngine, tableEngine, tableTokenizer } from './table-engine.ts';

const GREEDY: ChatSettings = { strategy: 'greedy' };
const SPEAKERS: ChatSettings = { ...GREEDY, speakers: ['[speaker1]', '[speaker2]'] };
const ids = (...tokens: string[]) => tokens.map(idOf);

describe('chat', () => {
  it('alternates segments, and answers in the other one than the last turn', async () => {
    const engine = scriptedEngine(['好']);
    const chat = createChatOver(engine, [GREEDY]);
    const reply = await chat.reply(['你好', '好', '']);
    assert.deepEqual(reply, {
      text: '好',
      tokenIds: ids('好', '[SEP]'),
      replies: [{ text: '好', tokenIds: ids('好', '[SEP]'), score: reply.replies[0]?.score, finished: true }],
      droppedTurns: 0,
    });
    const [start] = engine.started;
    assert.deepEqual(start?.prompt.tokenIds, ids('[CLS]', '你', '好', '[SEP]', '好', '[SEP]', '[SEP]'));
    assert.deepEqual(start?.prompt.segmentIds, [0, 0, 0, 0, 1, 1, 0]);
    assert.equal(start?.options?.segmentId, 1);
    assert.equal(engine.open.count, 0);
  });

  it('lets speakers lead their turns, and the one who answers close the prompt', async () => {
    const engine = scriptedEngine(['好']);
    await createChatOver(engine, [SPEAKERS]).reply(['你', '好吗']);
    const [one, two] = ids('[speaker1]', '[speaker2]');
    const [start] = engine.started;
    assert.deepEqual(start?.prompt.tokenIds, [...ids('[CLS]', '[speaker1]', '你', '[speaker2]', '好', '吗'), one]);
    assert.deepEqual(start?.prompt.segmentIds, [idOf('[CLS]'), one, one, two, two, two, one]);
    assert.equal(start?.options?.segmentId, one);
  });

  it('drops whole turns from the oldest, and says how many', async () => {
    const history = ['你你你你', '好', '吗吗'];
    const engine = scriptedEngine(['好'], { maxPositions: 12 });
    const chat = createChatOver(engine, [{ ...GREEDY, maxLen: 4 }]);
    const reply = await chat.reply(history);
    assert.equal(reply.droppedTurns, 1, '12 positions less 3 tokens that are fed');
    assert.deepEqual(engine.started[0]?.prompt.tokenIds, ids('[CLS]', '好', '[SEP]', '吗', '吗', '[SEP]'));
    assert.deepEqual(engine.started[0]?.prompt.segmentIds, [0, 0, 0, 1, 1, 1]);
    assert.equal((await chat.reply(history, { maxPromptLen: 4 })).droppedTurns, 2);
  });

  it('writes less where the last turn leaves little room, and refuses one that does not fit', async () => {
    const engine = tableEngine(() => ({ 好: 9 }), { maxPositions: 6 });
    const chat = createChatOver(engine, [GREEDY]);
    const { replies } = await chat.reply(['你', '好你好']);
    assert.deepEqual(replies[0]?.tokenIds.length, 2, 'positions 5 and, not fed, 6');
    assert.equal(replies[0]?.finished, false);
    await assert.rejects(chat.reply(['你好你好你']), /at most 6 tokens; found 7 tokens/);
    await assert.rejects(chat.reply(['你好'], { maxPromptLen: 3 }), InputError);
    await assert.rejects(chat.reply([]), /at least one turn/);
    assert.equal((await chat.reply(['你'])).text, '好好好好', 'still usable');
  });

  it('fits any history or refuses its last turn', async () => {
    const history = fc.array(fc.string({ unit: fc.constantFrom('你', '好', ' ', 'x'), maxLength: 8 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        async (turns, maxPositions, speakers) => {
          const engine = scriptedEngine(['好'], { maxPositions });
          const chat = createChatOver(engine, [{ ...(speakers ? SPEAKERS : GREEDY), maxLen: 3 }]);
          const { droppedTurns } = await chat.reply(turns).catch(() => ({ droppedTurns: -1 }));
          const prompt = engine.started[0]?.prompt;
          if (droppedTurns < 0)
            assert.ok(tableTokenizer().encode(turns.at(-1) ?? '').tokenIds.length + 1 > maxPositions);
          else assert.ok(prompt !== undefined && prompt.tokenIds.length <= maxPositions && droppedTurns < turns.length);
          assert.equal(prompt?.segmentIds.length, prompt?.tokenIds.length);
        },
      ),
    );
  });

  it('goes on from the request of the turn before, and from no other', async () => {
    const engine = scriptedEngine(['好']);
    const chat = createChatOver(engine, [GREEDY]);
    await chat.reply(['你']);
    await chat.reply(['你', '好', '吗']);
    await chat.reply(['好']);
    await chat.reply(['好', '吗', '你'], { strategy: 'beam' });
    await chat.reply(['好', '吗', '你', '好', '你']);
    const [first, , third] = engine.started;
    const taken = engine.started.map(({ options }) => options.after);
    assert.deepEqual(taken, [undefined, first?.scorer, undefined, third?.scorer, undefined]);
    assert.ok(first !== undefined && third !== undefined);
    assert.equal(engine.open.count, 0);
  });

  it('repeats a sample from the seed it returns', async () => {
    const engine = tableEngine(() => ({ 好: 1, 吗: 1, 你: 1, '[SEP]': 0 }));
    const chat = createChatOver(engine, []);
    const first = await chat.reply(['你'], { n: 3, topK: null });
    assert.equal(first.replies.length, 3);
    assert.ok(first.seed !== undefined);
    assert.deepEqual(await chat.reply(['你'], { n: 3, topK: null, seed: first.seed }), first);
    const random = () => 0;
    assert.equal((await chat.reply(['你'], { random, maxLen: 2 })).seed, undefined);
  });

  it('reaches every strategy; one that is named sets aside the options of the default', async () => {
    const chat = createChatOver(scriptedEngine(['你', '好']), [{ strategy: 'sample', topK: 5, topP: 0.5, minLen: 1 }]);
    for (const options of [
      { strategy: 'greedy', repetitionPenalty: 1.1, noRepeatNgram: 3 },
      { strategy: 'beam', width: 3, n: 2, lengthPenalty: 0.6 },
      { strategy: 'bert4keras-beam', topK: 2 },
      { strategy: 'sample', seed: 1, topP: 0.9, minP: 0.01, typicalP: 0.99, temperature: 0.5 },
    ] as const) {
      assert.equal((await chat.reply(['你'], options)).text, '你好', options.strategy);
    }
    const banned = await chat.reply(['你'], { strategy: 'greedy', suppressTokens: ids('好'), maxLen: 3 });
    assert.ok(!banned.text.includes('好'));
  });

  it('refuses options that do not apply, are unknown, or of a wrong kind', async () => {
    const chat = createChatOver(scriptedEngine(['你']), [GREEDY]);
    const refusals: [object, RegExp][] = [
      [{ topK: 3 }, /topK/],
      [{ seed: 1 }, /seed/],
      [{ random: () => 0 }, /strategy sample/],
      [{ top_k: 3 }, /top_k/],
      [{ speakers: ['a', 'b'] }, /speakers/],
      [{ maxLen: '5' }, /maxLen.*a number; found "5"/],
      [{ maxLen: 0 }, /maxLen/],
      [{ maxPromptLen: 0.5 }, /maxPromptLen/],
      [{ strategy: 'mirostat' }, /strategy/],
      [{ strategy: 'bert4keras-beam' }, /topK/],
      [{ strategy: 'sample', seed: 1, random: () => 0 }, /seed or random/],
      [{ endToken: '[nope]' }, /\[nope\]/],
      [{ endId: 1000 }, /endId/],
    ];
    for (const [options, message] of refusals) {
      await assert.rejects(chat.reply(['你'], options), error => {
        assert.ok(error instanceof ConfigError, JSON.stringify(options));
        assert.match(error.message, message);
        return true;
      });
    }
    assert.throws(() => createChatOver(scriptedEngine([]), [{ speakers: ['[a]', '[b]'] }]), /setting speakers/);
    const bare = { tokenizer: tableTokenizer({ tokenStart: null }) };
    assert.throws(() => createChatOver(scriptedEngine([], bare), [GREEDY]), /start token/);
  });

  it('streams what reply returns, and stops when its listener leaves', async () => {
    const engine = scriptedEngine(['你', '好', '，', 'wor', '##ld', '。']);
    const chat = createChatOver(engine, [GREEDY]);
    const stream = chat.stream(['你']);
    const told: string[] = [];
    let step = await stream.next();
    for (; !step.done; step = await stream.next()) told.push(step.value);
    assert.equal(told.join(''), '你好，world。');
    assert.deepEqual(step.value, await chat.reply(['你']));
    for await (const piece of chat.stream(['你'])) {
      assert.equal(piece, '你');
      break;
    }
    assert.equal(engine.open.count, 0);
    await assert.rejects(chat.stream(['你'], { strategy: 'beam', n: 2 }).next(), /n of a stream/);
  });

  it('stops at an abort, between steps', async () => {
    const controller = new AbortController();
    const engine = tableEngine(tokenIds => {
      if (tokenIds.length === 3) controller.abort();
      return { 好: 9 };
    });
    const chat = createChatOver(engine, [GREEDY]);
    await assert.rejects(chat.reply(['你'], { signal: controller.signal }), AbortedError);
    assert.equal(engine.open.count, 0);
    await assert.rejects(chat.stream(['你'], { signal: controller.signal }).next(), AbortedError);
  });

  it('refuses scores that are no numbers and goes on afterwards', async () => {
    let poison = true;
    const engine = tableEngine(() => ({ 好: poison ? Number.NaN : 9 }));
    const chat = createChatOver(engine, [{ ...GREEDY, maxLen: 2 }]);
    for (const strategy of ['greedy', 'beam', 'sample'] as const) {
      await assert.rejects(chat.reply(['你'], { strategy }), InputError, strategy);
    }
    await assert.rejects(chat.reply(['你'], { strategy: 'bert4keras-beam', topK: 1 }), InputError);
    poison = false;
    assert.equal((await chat.reply(['你'])).text, '好好');
    assert.equal(engine.open.count, 0);
  });
});
