/**
 * The same job with a masked model, in one forward pass for all passages: the answer stands where the masks are. After
 * bert4keras' examples/task_reading_comprehension_by_mlm.py (https://kexue.fm/archives/7148).
 */
import {
  decodeSpan,
  float32Tensor,
  type GraphSession,
  int64Tensor,
  type Model,
  poolAnswers,
  tokenizerOf,
} from '../../src/node.ts';
import { cleanPassage, type Question } from './read-passages.ts';

/** Limits that the model was trained with, in tokens. */
const MAX = { passage: 128, question: 32, answer: 16 };

/** The winning answer and what each passage says. */
export interface MaskReading {
  readonly answer: string;
  readonly passages: readonly { readonly answer: string; readonly score: number }[];
}

/** A reader over `model`. */
export async function createMaskReader(model: Model) {
  const tokenizer = tokenizerOf(model);
  const graph = await model.openGraph('model');
  const { tokenStartId = 2, tokenEndId: endId = 3, tokenMaskId = 4 } = tokenizer;
  const start = [tokenStartId, ...new Array<number>(MAX.answer).fill(tokenMaskId), endId];

  return async ({ question, passages }: Question): Promise<MaskReading> => {
    const encode = (text: string, maxLen: number) =>
      tokenizer.encode(text, undefined, { maxLen: maxLen + 1 }).tokenIds.slice(1);
    const asked = encode(question, MAX.question);
    const texts = passages.map(text => encode(cleanPassage(text), MAX.passage));
    const blocks = await maskRows(
      graph,
      texts.map(text => [...start, ...asked, ...text]),
    );
    const spans = texts.map((passageIds, i) => {
      const { tokenIds, score } = decodeSpan(blocks[i] ?? new Float32Array(), {
        passageIds,
        maxAnswerLen: MAX.answer,
        endId,
      });
      return { answer: tokenizer.decode(tokenIds), score };
    });
    return { answer: poolAnswers(spans)[0]?.answer ?? '', passages: spans };
  };
}

/** Probabilities at the masks of each row, [MAX.answer, V]; rows are padded to one length with 0. */
async function maskRows(graph: GraphSession, rows: readonly (readonly number[])[]): Promise<Float32Array[]> {
  const length = Math.max(...rows.map(row => row.length));
  const padded = rows.flatMap(row => [...row, ...new Array<number>(length - row.length).fill(0)]);
  const shape = [rows.length, length];
  const feeds = {
    input_ids: int64Tensor(padded, shape),
    token_type_ids: int64Tensor(
      padded.map(() => 0),
      shape,
    ),
  };
  const { logits = float32Tensor(new Float32Array(), [0]) } = await graph.run(feeds, ['logits']); // [B, T, V]
  const width = logits.shape.at(-1) ?? 0;
  return rows.map((_, row) => {
    const block = (logits.data as Float32Array).slice(
      (row * length + 1) * width,
      (row * length + 1 + MAX.answer) * width,
    );
    for (let at = 0; at < block.length; at += width) softmax(block.subarray(at, at + width));
    return block;
  });
}

function softmax(row: Float32Array): void {
  const highest = row.reduce((a, b) => Math.max(a, b));
  const powers = Float64Array.from(row, value => Math.exp(value - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  row.set(powers.map(power => power / sum));
}
