/**
 * No n-gram occurs twice in prompt and generated text together (NoRepeatNGramLogitsProcessor,
 * https://github.com/huggingface/transformers/blob/aa5108b449965084a90a4c8ce130a156aebf28f1/src/transformers/generation/logits_process.py).
 */
import type { LogitsProcessor } from '../logits-processor.ts';
import { checkInteger } from '../option-checks.ts';
import { historyOf } from './history.ts';

/** Rules out every token that would complete an n-gram of size `size` (at least 1) that stands there already. */
export function noRepeatNgram(size: number): LogitsProcessor {
  checkInteger('noRepeatNgram', size, 1);
  return (scores, hypothesis, context) => {
    const history = historyOf(hypothesis, context);
    const tail = history.length - size + 1;
    if (tail < 0) return;
    for (let start = 0; start + size <= history.length; start++) {
      let same = 0;
      while (same < size - 1 && history[start + same] === history[tail + same]) same++;
      if (same === size - 1) scores[history[start + size - 1] ?? -1] = Number.NEGATIVE_INFINITY;
    }
  };
}
