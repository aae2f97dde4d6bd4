/**
 * The recorded answers of the reference, in a browser: ids and texts are the same on WebAssembly and on WebGPU. A sample
 * of the recordings, so that it stays short; BERT4ORT_ALL_GOLDENS=1 runs all of them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Answer } from '../../src/tasks/answer.ts';
import type { ClozeAnswer } from '../../src/tasks/cloze.ts';
import { PATIENCE } from './browser.ts';
import { EXAMPLES, webFixture } from './fixture.ts';
import type { GreedyItem, QuestionItem } from './page.ts';

const ALL = process.env['BERT4ORT_ALL_GOLDENS'] === '1';

/** Recordings of each model that run on a device. */
const SAMPLES = [
  ['wasm', 4],
  ['webgpu', 1],
] as const;

/**
 * Models that run on WebGPU by default: one that reads, one that writes, one whose LSTMs stay on the CPU. Without a GPU
 * each takes most of its time to compile shaders.
 */
const ON_WEBGPU = ['qa-unilm', 'completion-gpt2', 'cloze-bilstm'];

/** Devices of a model, with the number of its recordings there. */
function samplesOf(name: string): readonly (readonly [device: 'wasm' | 'webgpu', sample: number])[] {
  return SAMPLES.filter(([device]) => ALL || device === 'wasm' || ON_WEBGPU.includes(name));
}

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

interface RecordedCloze {
  readonly id: string;
  readonly text: string;
  readonly predicted: string;
  readonly candidates: readonly (readonly [id: number, word: string, score: number])[];
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
    for (const [device, sample] of samplesOf(name)) {
      const chosen = ALL ? recorded : spread(recorded, sample);
      it(`${name} on ${device}: ${chosen.length} of ${recorded.length}`, async function () {
        this.timeout(ALL ? 10 * PATIENCE : PATIENCE);
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
    for (const [device, sample] of samplesOf(name)) {
      const items = ALL ? greedy : spread(greedy, sample);
      it(`${name} on ${device}: ${items.length} of ${greedy.length}`, async function () {
        this.timeout(ALL ? 10 * PATIENCE : PATIENCE);
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

  const blanks = recordings<RecordedCloze>('cloze-bilstm');
  for (const [device, sample] of samplesOf('cloze-bilstm')) {
    const chosen = ALL ? blanks : spread(blanks, sample);
    it(`cloze-bilstm on ${device}: ${chosen.length} of ${blanks.length}`, async function () {
      this.timeout(ALL ? 10 * PATIENCE : PATIENCE);
      const base = await web.serve('cloze-bilstm');
      const page = await web.open();
      const found = await page.evaluate(([url, texts, options]) => globalThis.page.fillBlanks(url, texts, options), [
        base,
        chosen.map(({ text }) => text),
        { device, wasmPaths: `${web.server.origin}/ort/` },
      ] as const);
      assert.equal(found.device?.device, device);
      for (const [i, expected] of chosen.entries()) compareCloze(found.answers[i], expected);
      await page.close();
    });
  }
});

function compareCloze(found: ClozeAnswer | undefined, { id, predicted, candidates }: RecordedCloze): void {
  assert.equal(found?.answer, predicted, id);
  assert.equal(found.candidates.length, candidates.length, id);
  const scores = new Map(found.candidates.map(({ word, score }) => [word, score]));
  for (const [, word, score] of candidates) {
    assert.ok(
      Math.abs((scores.get(word) ?? Number.NaN) - score) < 1e-5,
      `${id}, ${word}: ${scores.get(word)} for ${score}`,
    );
  }
}

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
