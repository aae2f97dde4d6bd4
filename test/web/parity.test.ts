/**
 * The recorded answers of the reference, in a browser: on WebAssembly every recording of every example, what was drawn at
 * random included, with the same ids and texts; on WebGPU the same ids, and logits to 1e-3.
 *
 * A GPU imitated on the CPU takes most of its time to compile shaders, so by default only a part runs there;
 * BERT4ORT_ALL_GOLDENS=1 runs all.
 */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Answer } from '../../src/tasks/answer.ts';
import type { ClozeAnswer } from '../../src/tasks/cloze.ts';
import type { WebModelOptions } from '../../src/web.ts';
import {
  exampleFile,
  examples,
  goldens,
  openExample,
  type RecordedForward,
  readLines,
  trainingOptions,
} from '../parity/example-models.ts';
import { PATIENCE } from './browser.ts';
import { webFixture } from './fixture.ts';
import type { QuestionItem, TextItem, TextResult } from './page-tasks.ts';

type WebDevice = 'wasm' | 'webgpu';

const ALL = process.env['BERT4ORT_ALL_GOLDENS'] === '1';

/** Models that chat or complete. */
const WRITERS = ['chat-nezha', 'chat-nezha/training', 'chat-cdial', 'completion-gpt2', 'completion-gpt2ml'] as const;

/** Lengths that the questions were recorded with. */
const LENGTHS = { maxPassageLen: 128, maxQuestionLen: 32, maxAnswerLen: 16 };

/** Recordings of a model that run on WebGPU by default. */
const SAMPLE = 3;

/**
 * Models that run on WebGPU by default: one that reads, two that write (with relative positions and with their own), one
 * whose LSTMs stay on the CPU.
 */
const ON_WEBGPU = ['qa-unilm', 'chat-nezha', 'completion-gpt2', 'cloze-bilstm'];

/** Largest difference of a probability from the recording, and of a logit from WebAssembly. */
const TOLERANCE = { probability: 1e-4, logit: 1e-3 };

interface RecordedText {
  readonly kind: 'chat' | 'completion';
  readonly id: string;
  readonly texts?: readonly string[];
  readonly prompt?: string;
  readonly n: number;
  readonly topk: number | null;
  readonly topp?: number | null;
  readonly temperature?: number;
  readonly maxlen: number;
  readonly minlen?: number;
  readonly end_id: number;
  readonly uniforms?: readonly number[];
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

interface Question {
  readonly id: string;
  readonly question: string;
  readonly passages: readonly string[];
}

interface RecordedCloze {
  readonly id: string;
  readonly text: string;
  readonly predicted: string;
  readonly candidates: readonly (readonly [id: number, word: string, score: number])[];
}

describe('recorded answers in a browser', () => {
  const web = webFixture();
  const served = new Map<string, Promise<string>>();
  const closing: (() => Promise<void>)[] = [];
  /** Logits on WebAssembly, recording by recording. */
  const reference = new Map<string, TextResult['logits']>();

  after(async () => {
    for (const close of closing) await close();
  });

  for (const name of ['qa-unilm', 'qa-mlm'] as const) {
    onDevices(name, recordings<RecordedAnswer>(name), async (device, recorded) => {
      const questions = new Map(recordings<Question>(name, 'examples.jsonl').map(one => [one.id, one]));
      const items = recorded.map(item => questionItem(item, questions.get(item.id) ?? assert.fail(item.id)));
      const answers = await inPage(await serve(name), device, items, (page, request) =>
        page.evaluate(([url, all, options]) => globalThis.page.answerAll(url, all, options), request),
      );
      for (const [i, expected] of recorded.entries()) compareAnswer(answers[i], expected, device);
    });
  }

  for (const name of WRITERS) {
    onDevices(name, goldens<RecordedText>(examples[name].folder), async (device, recorded) => {
      const { device: used, results } = await inPage(
        await serve(name),
        device,
        recorded.map(textItem),
        (page, request) =>
          page.evaluate(([url, all, options]) => globalThis.page.generateAll(url, all, options), request),
      );
      assert.equal(used?.device, device);
      for (const [i, expected] of recorded.entries()) {
        const found = results[i] ?? assert.fail(expected.id);
        if (expected.kind === 'forward') compareLogits(`${name} ${expected.id}`, found.logits, expected);
        else {
          const { output_ids, outputs } = expected;
          assert.deepEqual({ tokenIds: found.tokenIds, texts: found.texts }, { tokenIds: output_ids, texts: outputs });
        }
      }
    });
  }

  onDevices('cloze-bilstm', recordings<RecordedCloze>('cloze-bilstm'), async (device, recorded) => {
    const texts = recorded.map(({ text }) => text);
    const found = await inPage(await web.serve('cloze-bilstm'), device, texts, (page, request) =>
      page.evaluate(([url, all, options]) => globalThis.page.fillBlanks(url, all, options), request),
    );
    assert.equal(found.device?.device, device);
    for (const [i, expected] of recorded.entries()) compareCloze(found.answers[i], expected);
  });

  /** A test for all recordings on WebAssembly, and one for all or some on WebGPU. */
  function onDevices<T>(
    name: string,
    recorded: readonly T[],
    compare: (device: WebDevice, recorded: readonly T[]) => Promise<void>,
  ): void {
    const some = ON_WEBGPU.includes(name) ? spread(recorded, SAMPLE) : [];
    for (const [device, chosen] of [
      ['wasm', recorded],
      ['webgpu', ALL ? recorded : some],
    ] as const) {
      if (chosen.length === 0) continue;
      it(`${name} on ${device}: ${chosen.length} of ${recorded.length}`, async function () {
        this.timeout(ALL ? 10 * PATIENCE : PATIENCE);
        await compare(device, chosen);
      });
    }
  }

  /** Runs all items in a fresh page. */
  async function inPage<I, R>(
    base: string,
    device: WebDevice,
    items: readonly I[],
    run: (page: Page, request: readonly [string, readonly I[], WebModelOptions]) => Promise<R>,
  ): Promise<R> {
    const page = await web.open();
    const found = await run(page, [base, items, { device, wasmPaths: `${web.server.origin}/ort/` }]);
    await page.context().close();
    return found;
  }

  /** Converts an example with its preset, once, and serves it. */
  function serve(name: keyof typeof examples): Promise<string> {
    const known = served.get(name) ?? convertAndServe(name);
    served.set(name, known);
    return known;
  }

  async function convertAndServe(name: keyof typeof examples): Promise<string> {
    const { directory, close } = await openExample(name, name === 'chat-nezha/training' ? trainingOptions() : {});
    closing.push(close);
    const prefix = `/parity-${name.replace('/', '-')}/`;
    web.server.folders.set(prefix, directory);
    return `${web.server.origin}${prefix}`;
  }

  /** Probabilities as recorded, and the logits of WebAssembly on WebGPU. */
  function compareLogits(id: string, found: TextResult['logits'], { positions, shape, probas }: RecordedForward): void {
    const expected = new Float32Array(new Uint8Array(Buffer.from(probas, 'base64')).buffer);
    for (const i of positions.keys()) {
      const row = found[i] ?? [];
      assert.equal(row.length, shape[1], id);
      assertClose(softmax(row), [...expected.subarray(i * shape[1], (i + 1) * shape[1])], TOLERANCE.probability, id);
      assertClose(row, reference.get(id)?.[i] ?? row, TOLERANCE.logit, id);
    }
    if (!reference.has(id)) reference.set(id, found);
  }
});

function textItem(golden: RecordedForward | RecordedText): TextItem {
  if (golden.kind === 'forward') {
    const { kind, token_ids: tokenIds, segment_ids: segmentIds, positions } = golden;
    return { kind, tokenIds, positions, ...(segmentIds !== undefined && { segmentIds }) };
  }
  const { kind, texts, prompt = '', topk: topK, topp, n, maxlen: maxLen, end_id: endId, uniforms } = golden;
  return {
    kind,
    texts: texts ?? [prompt],
    options: {
      ...{ topK, n, maxLen, endId },
      ...(topp !== undefined && { topP: topp }),
      ...(golden.minlen !== undefined && { minLen: golden.minlen }),
      ...(golden.temperature !== undefined && { temperature: golden.temperature }),
    },
    ...(uniforms !== undefined && { uniforms }),
  };
}

function questionItem({ mode, topk }: RecordedAnswer, { question, passages }: Question): QuestionItem {
  const search = mode === 'mlm' ? {} : { mode, ...(topk !== undefined && { topK: topk }) };
  return { question, passages, options: { ...LENGTHS, ...search } };
}

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

function compareAnswer(found: Answer | undefined, expected: RecordedAnswer, device: WebDevice): void {
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

function softmax(logits: readonly number[]): readonly number[] {
  const highest = Math.max(...logits);
  const weights = logits.map(logit => Math.exp(logit - highest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / sum);
}

function assertClose(found: readonly number[], expected: readonly number[], tolerance: number, id: string): void {
  for (const [i, wanted] of expected.entries()) {
    const close = Math.abs((found[i] ?? Number.NaN) - wanted) <= tolerance;
    if (!close) assert.fail(`${id}, value ${i}: ${found[i]} for ${wanted}`);
  }
}

function recordings<T>(folder: string, file = 'goldens.jsonl'): readonly T[] {
  return readLines(exampleFile(folder, file)) as readonly T[];
}

/** `count` of the items, evenly over all of them. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, Math.floor(items.length / count));
  return items.filter((_, i) => i % step === 0).slice(0, count);
}
