/**
 * The span that masks say, read from logits: softmax over the rows that the answer reaches and few more. Most answers are
 * a fraction of the masks long, and a row is as wide as the vocabulary.
 *
 * K read rows (the masks), V vocabulary.
 */
import { softmaxRows } from '../decode/softmax.ts';
import { decodeSpan, type Span, type SpanOptions } from '../decode/span.ts';

/** What to read a span from. */
export interface MaskedSpanOptions extends SpanOptions {
  readonly vocabSize: number;
  /** Names the logits in errors: `passage 3`. */
  readonly source: string;
}

/** Rows of the first attempt; each further one has twice as many. */
const FIRST_ROWS = 4;

/**
 * `decodeSpan` of the softmax of `logits` [K, V], K = maxAnswerLen. Rows that were looked at become probabilities in place.
 * @throws InputError when a row that was looked at is missing or not finite.
 */
export function readMaskedSpan(logits: Float32Array, { vocabSize, source, ...options }: MaskedSpanOptions): Span {
  const { maxAnswerLen, endId } = options;
  let ready = 0;
  for (let rows = Math.min(FIRST_ROWS, maxAnswerLen); ; rows = Math.min(2 * rows, maxAnswerLen)) {
    softmaxRows(logits.subarray(ready * vocabSize, rows * vocabSize), vocabSize, `${source}, from mask ${ready}`);
    ready = rows;
    const span = decodeSpan(logits.subarray(0, rows * vocabSize), { ...options, maxAnswerLen: rows });
    if (rows === maxAnswerLen || span.tokenIds.at(-1) === endId) return span;
  }
}
