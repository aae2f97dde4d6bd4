/**
 * Chat against the recordings of bert4keras: forward passes, prompts, ids and text of every reply.
 */
import assert from 'node:assert/strict';
import type { PresetOptions } from '../../converters/index.ts';
import type { Model } from '../../src/model.ts';
import { tokenizerOf } from '../../src/model.ts';
import { type Chat, createChat } from '../../src/tasks/chat.ts';
import { createHistoryLayout, fitHistory } from '../../src/tasks/chat-history.ts';
import { compareForward } from './compare-forward.ts';
import { type examples, goldens, openExample, trainingOptions } from './example-models.ts';
import { recordedUniforms } from './recorded-uniforms.ts';

interface RecordedChat {
  readonly kind: 'chat';
  readonly id: string;
  readonly texts: readonly string[];
  readonly topk: number;
  readonly n: number;
  readonly maxlen: number;
  readonly end_id: number;
  readonly token_ids: readonly number[];
  readonly segment_ids: readonly number[];
  readonly uniforms?: readonly number[];
  readonly output_ids: readonly (readonly number[])[];
  readonly outputs: readonly string[];
}

describe('chat, as bert4keras', () => {
  suite('chat-nezha', 'chat-nezha', null);
  suite('chat-cdial', 'chat-cdial', ['[speaker1]', '[speaker2]']);
  suite('chat-nezha/training', 'chat-nezha', null, trainingOptions());
});

function suite(
  name: keyof typeof examples,
  folder: string,
  speakers: readonly [string, string] | null,
  options: Partial<PresetOptions> = {},
): void {
  describe(name, () => {
    let model: Model;
    let close: () => Promise<void>;
    let chat: Chat;
    before(async () => {
      ({ model, close } = await openExample(name, options));
      chat = await createChat(model);
    });
    after(() => close());

    for (const golden of goldens<RecordedChat>(folder)) {
      it(golden.id, async () => {
        if (golden.kind === 'forward') return compareForward(model, golden);
        const limits = { wanted: 500, possible: 500 };
        const { prompt } = fitHistory(createHistoryLayout(tokenizerOf(model), speakers), golden.texts, limits);
        assert.deepEqual(prompt.tokenIds, golden.token_ids);
        assert.deepEqual(prompt.segmentIds, golden.segment_ids);
        const { topk: topK, n, maxlen: maxLen, end_id: endId } = golden;
        const random = recordedUniforms(golden.uniforms);
        const { replies, droppedTurns } = await chat.reply(golden.texts, { topK, n, maxLen, endId, random });
        assert.deepEqual(
          replies.map(reply => reply.tokenIds),
          golden.output_ids,
        );
        assert.deepEqual(
          replies.map(reply => reply.text),
          golden.outputs,
        );
        assert.equal(droppedTurns, 0);
      });
    }
  });
}
