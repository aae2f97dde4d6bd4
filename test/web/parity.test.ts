/**
 * The recorded answers of the reference, in a browser: ids and texts are the same on WebAssembly and on WebGPU. A sample
 * of the recordings, so that it stays short; BERT4ORT_ALL_GOLDENS=1 runs all of them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Answer } from '../../src/tasks/answer.ts';
import { EXAMPLES, webFixture } from './fixture.ts';
import type { GreedyItem, QuestionItem } from './page.ts';

const ALL = process.env['BERT4ORT_ALL_GOLDENS'] === '1';

/** Recordings of each model that run on a device. */
const SAMPLES = [
  ['wasm', 8],
  ['webgpu', 1],
] as const;

interface Recorded extends GreedyItem {
  readonly id: string;
  readonly n: number;
  readonly topk: number | null;
  readonly output_ids: readonly (readonly number[])[];
  readonly outputs: readonly string[];
}

interface RecordedAnswer {
  readonly id: string;
  readonly mode: 'extractive' | 'generative' | 'mlm';
  readonly answer: string;
  readonly topk?: number;
  readonly ids?: readonly number[];
  readonly score?: number;
  readonly passages?: readonly { readonly ids: readonly number[]; readonly score: number }[];
}

/** Lengths that the examples were recorded with. */
const LENGTHS = { maxPassageLen: 128, maxQuestionLen: 32, maxAnswerLen: 16 };

describe('recorded answers in a browser', () => {
  const web = webFixture();

  for (const name of ['qa-unilm', 'qa-mlm']) {
    const recorded = recordings<RecordedAnswer>(name);
    const questions = new Map(
      recordings<{ id: string; question: string; passages: string[] }>(name, 'examples.jsonl').map(one => [
        one.id,
        one,
      ]),
    );
    for (const [device, sample] of SAMPLES) {
      const chosen = ALL ? recorded : spread(recorded, sample);
      it(`${name} on ${device}: ${chosen.length} of ${recorded.length}`, async function () {
        this.timeout(ALL ? 600_000 : 60_000);
        const base = await web.serve(name);
        const items = chosen.map(({ id, mode, topk }): QuestionItem => {
          const { question, passages } = questions.get(id) ?? assert.fail(id);
          const search = mode === 'mlm' ? {} : { mode, ...(topk !== undefined && { topK: topk }) };
          return { question, passages, options: { ...LENGTHS, ...search } };
        });
        const page = await web.open();
        const answers = await page.evaluate(([url, all, options]) => globalThis.page.answerAll(url, all, options), [
          base,
          items,
          { device, wasmPaths: `${web.server.origin}/ort/` },
        ] as const);
        assert.equal(answers.length, chosen.length);
        for (const [i, expected] of chosen.entries()) compareAnswer(answers[i], expected, device);
        await page.close();
      });
    }
  }

  for (const name of ['chat-nezha', 'completion-gpt2', 'completion-gpt2ml']) {
    const greedy = recordings<Recorded>(name).filter(({ n, topk }) => n === 1 && topk === 1);
    for (const [device, sample] of SAMPLES) {
      const items = ALL ? greedy : spread(greedy, sample);
      it(`${name} on ${device}: ${items.length} of ${greedy.length}`, async function () {
        this.timeout(ALL ? 600_000 : 60_000);
        const base = await web.serve(name);
        const page = await web.open();
        const wasmPaths = `${web.server.origin}/ort/`;
        const found = await page.evaluate(([url, all, options]) => globalThis.page.generateAll(url, all, options), [
          base,
          items as readonly GreedyItem[],
          { device, wasmPaths },
        ] as const);
        assert.equal(found.device?.device, device);
        for (const [i, { id, output_ids, outputs }] of items.entries()) {
          assert.deepEqual(found.outputs[i], { text: outputs[0], tokenIds: output_ids[0] }, id);
        }
        await page.close();
      });
    }
  }
});

function compareAnswer(found: Answer | undefined, expected: RecordedAnswer, device: 'wasm' | 'webgpu'): void {
  const { id, answer, ids, score, passages } = expected;
  const tolerance = device === 'wasm' ? 1e-4 : 1e-3;
  assert.equal(found?.answer, answer, id);
  if (ids !== undefined) assert.deepEqual(found.tokenIds, ids, id);
  if (score !== undefined) assert.ok(Math.abs(found.score - score) <= tolerance, `${id}: ${found.score} for ${score}`);
  if (passages === undefined) return;
  assert.equal(found.kind, 'mlm');
  assert.deepEqual(
    found.kind === 'mlm' && found.passages.map(passage => passage.tokenIds),
    passages.map(passage => passage.ids),
    id,
  );
}

function recordings<T>(name: string, file = 'goldens.jsonl'): readonly T[] {
  const text = readFileSync(path.join(EXAMPLES, name, file), 'utf8');
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as T);
}

/** `count` of the items, evenly over all of them. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, Math.floor(items.length / count));
  return items.filter((_, i) => i % step === 0).slice(0, count);
}
