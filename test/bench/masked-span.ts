/**
 * Reading answers from masks: softmax over all rows against softmax over those that are reached, ten passages with 32
 * masks each over BERT's Chinese vocabulary, answers of five tokens. `npx tsx test/bench/masked-span.ts`
 */
import { softmaxRows } from '../../src/decode/softmax.ts';
import { decodeSpan } from '../../src/decode/span.ts';
import { readMaskedSpan } from '../../src/tasks/masked-span.ts';

const [vocabSize, maxAnswerLen, endId, answerLen, count] = [21128, 32, 102, 5, 10];
const passageIds = [...Array.from({ length: 254 }, (_, i) => 1000 + ((i * 37) % 400)), endId];
const options = { passageIds, maxAnswerLen, endId };

function block(): Float32Array {
  const logits = Float32Array.from({ length: maxAnswerLen * vocabSize }, (_, i) => ((i * 7919) % 1000) / 100 - 5);
  const answer = [...passageIds.slice(20, 20 + answerLen), endId];
  answer.forEach((tokenId, row) => {
    logits[row * vocabSize + tokenId] = 15;
  });
  return logits;
}

function time(read: (logits: Float32Array) => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const blocks = Array.from({ length: count }, block);
    const start = performance.now();
    for (const logits of blocks) read(logits);
    return performance.now() - start;
  });
  return Math.min(...times);
}

const whole = time(logits => decodeSpan(softmaxRows(logits, vocabSize, 'passage'), options));
const reached = time(logits => readMaskedSpan(logits, { ...options, vocabSize, source: 'passage' }));
console.log(
  `all rows ${whole.toFixed(1)} ms, rows reached ${reached.toFixed(1)} ms: ${(whole / reached).toFixed(1)} times`,
);
