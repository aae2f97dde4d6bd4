/**
 * Completion against the recordings of bert4keras: forward passes, prompts, ids and text of every continuation.
 */
import assert from 'node:assert/strict';
import { type Model, tokenizerOf } from '../../src/model.ts';
import { type Completer, createCompleter } from '../../src/tasks/completion.ts';
import { compareForward } from './compare-forward.ts';
import { goldens, openExample } from './example-models.ts';
import { recordedUniforms } from './recorded-uniforms.ts';

interface RecordedCompletion {
  readonly kind: 'completion';
  readonly id: string;
  readonly prompt: string;
  readonly n: number;
  readonly topk: number | null;
  readonly topp: number | null;
  readonly temperature: number;
  readonly maxlen: number;
  readonly minlen: number;
  readonly end_id: number;
  readonly token_ids: readonly number[];
  readonly uniforms?: readonly number[];
  readonly output_ids: readonly (readonly number[])[];
  readonly outputs: readonly string[];
}

describe('completion, as bert4keras', () => {
  for (const name of ['completion-gpt2', 'completion-gpt2ml'] as const) {
    describe(name, () => {
      let model: Model;
      let close: () => Promise<void>;
      let completer: Completer;
      before(async () => {
        ({ model, close } = await openExample(name));
        completer = await createCompleter(model);
      });
      after(() => close());

      for (const golden of goldens<RecordedCompletion>(name)) {
        it(golden.id, async () => {
          if (golden.kind === 'forward') return compareForward(model, golden);
          assert.deepEqual(tokenizerOf(model).encode(golden.prompt).tokenIds, golden.token_ids);
          const { topk: topK, topp: topP, n, maxlen: maxLen, minlen: minLen, end_id: endId, temperature } = golden;
          const random = recordedUniforms(golden.uniforms);
          const options = { topK, topP, n, maxLen, minLen, endId, temperature, random };
          const { completions } = await completer.complete(golden.prompt, options);
          assert.deepEqual(
            completions.map(one => one.tokenIds),
            golden.output_ids,
          );
          assert.deepEqual(
            completions.map(one => one.text),
            golden.outputs,
          );
        });
      }
    });
  }
});
