/**
 * Tasks inside the page of the browser tests: recorded inputs in, what the model makes of them out, as plain data.
 */
import { int64Tensor } from '../../src/core/tensor.ts';
import {
  type Answer,
  type AnswerOptions,
  type ClozeAnswer,
  type CompletionOptions,
  createChat,
  createCloze,
  createCompleter,
  createReader,
  type DeviceChoice,
  loadModel,
  type WebModel,
  type WebModelOptions,
} from '../../src/web.ts';
import { recordedUniforms } from '../parity/recorded-uniforms.ts';

/** A forward pass, a dialogue or a prompt. */
export type TextItem = RecordedPass | RecordedText;

interface RecordedPass {
  readonly kind: 'forward';
  readonly tokenIds: readonly number[];
  readonly segmentIds?: readonly number[];
  /** The target, where `tokenIds` are a source for an encoder. */
  readonly decoderTokenIds?: readonly number[];
  readonly positions: readonly number[];
}

interface RecordedText {
  readonly kind: 'chat' | 'completion';
  /** Turns of a dialogue, or one prompt. */
  readonly texts: readonly string[];
  readonly options: Pick<CompletionOptions, 'topK' | 'topP' | 'n' | 'maxLen' | 'minLen' | 'endId' | 'temperature'>;
  readonly uniforms?: readonly number[];
}

/** What came of an item: texts with their ids, or logits at the positions. */
export interface TextResult {
  readonly texts: readonly string[];
  readonly tokenIds: readonly (readonly number[])[];
  readonly logits: readonly (readonly number[])[];
}

/** Results item by item, and the device of each graph that was opened last. */
export async function generateAll(
  base: string,
  items: readonly TextItem[],
  options: WebModelOptions,
): Promise<{ device: DeviceChoice | null; results: readonly TextResult[] }> {
  const model = await loadModel(base, options);
  try {
    const results: TextResult[] = [];
    for (const item of items) {
      results.push(item.kind === 'forward' ? await forward(model, item) : await generateTexts(model, item));
    }
    return { device: model.device, results };
  } finally {
    await model.dispose();
  }
}

async function forward(model: WebModel, pass: RecordedPass): Promise<TextResult> {
  const { tokenIds, segmentIds, decoderTokenIds, positions } = pass;
  const graph = await model.openGraph('model');
  const line = (ids: readonly number[]) => int64Tensor(ids, [1, ids.length]);
  const feeds = {
    input_ids: line(tokenIds),
    ...(segmentIds === undefined ? {} : { token_type_ids: line(segmentIds) }),
    ...(decoderTokenIds === undefined ? {} : { decoder_input_ids: line(decoderTokenIds) }),
  };
  const { logits } = await graph.run(feeds, ['logits']);
  const values = logits?.dtype === 'float32' ? logits.data : new Float32Array(0);
  const width = values.length / (decoderTokenIds ?? tokenIds).length;
  const rows = positions.map(position => [...values.subarray(position * width, (position + 1) * width)]);
  return { texts: [], tokenIds: [], logits: rows };
}

async function generateTexts(model: WebModel, { kind, texts, options, uniforms }: RecordedText): Promise<TextResult> {
  const drawn = { ...options, random: recordedUniforms(uniforms) };
  const written =
    kind === 'chat'
      ? (await (await createChat(model)).reply(texts, drawn)).replies
      : (await (await createCompleter(model)).complete(texts[0] ?? '', drawn)).completions;
  return { texts: written.map(({ text }) => text), tokenIds: written.map(({ tokenIds }) => tokenIds), logits: [] };
}

/** A recorded question; `mode` and `topK` are for seq2seq models. */
export interface QuestionItem {
  readonly question: string;
  readonly passages: readonly string[];
  readonly options: AnswerOptions;
}

/** Questions that are asked at the same time. */
const TOGETHER = 20;

/** Answers of a reader, item by item. */
export async function answerAll(
  base: string,
  items: readonly QuestionItem[],
  options: WebModelOptions,
): Promise<readonly Answer[]> {
  const model = await loadModel(base, options);
  try {
    const reader = await createReader(model);
    const answers: Answer[] = [];
    for (let i = 0; i < items.length; i += TOGETHER) {
      const asked = items.slice(i, i + TOGETHER).map(item => reader.answer(item.question, item.passages, item.options));
      answers.push(...(await Promise.all(asked)));
    }
    return answers;
  } finally {
    await model.dispose();
  }
}

/** Answers of a cloze model, all texts together, and where they were computed. */
export async function fillBlanks(
  base: string,
  texts: readonly string[],
  options: WebModelOptions,
): Promise<{ device: DeviceChoice | null; answers: readonly ClozeAnswer[] }> {
  const model = await loadModel(base, options);
  try {
    return { answers: await (await createCloze(model)).answerMany(texts), device: model.device };
  } finally {
    await model.dispose();
  }
}
