/**
 * Cloze reading comprehension: which word of a document belongs into the blank `XXXXX`. Every occurrence of a word has a
 * probability; those of equal words are added up (Kadlec et al. 2016, https://arxiv.org/abs/1603.01547), as in
 * https://github.com/bojone/CCL_CMRC2017.
 */
import { ConfigError, InputError } from '../core/errors.ts';
import { int64Tensor, paddedTensor, type Tensor } from '../core/tensor.ts';
import { checkInteger } from '../decode/option-checks.ts';
import type { RunCounts } from '../generation/run-counts.ts';
import { createRunQueue, type RunRules } from '../generation/run-queue.ts';
import { type Model, tokenizerOf } from '../model.ts';
import { float32Output } from '../session/float32-output.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import { batchBySides } from './side-batches.ts';

/** How the blank is written. */
export const BLANK = 'XXXXX';

/** Default of {@link ClozeOptions.maxBatchTokens}: larger runs leave the processor's cache. */
const MAX_BATCH_TOKENS = 4096;

/** A document with a blank, or a document and a query that has the blank; words stand between blanks and line ends. */
export type ClozeItem = string | { readonly document: string; readonly query: string };

/** A word that could fill the blank. */
export interface ClozeCandidate {
  readonly word: string;
  /** Sum of the probabilities of its occurrences. */
  readonly score: number;
}

/** An answer. */
export interface ClozeAnswer {
  /** The likeliest word; a single blank when unknown words together are likeliest. */
  readonly answer: string;
  /** All words of the text, likeliest first; equal ones in reading order. */
  readonly candidates: readonly ClozeCandidate[];
}

/** Options of one call. */
export interface ClozeOptions {
  /** Cuts raw text into words, jieba's `cut` for instance; without it the text is segmented already. */
  readonly cut?: (text: string) => Iterable<string>;
  /** Most words of one run, padding included; a longer text runs alone. At least 1; default 4096. */
  readonly maxBatchTokens?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Fills blanks. */
export interface Cloze {
  /**
   * Fills one blank. Several calls at once are computed together.
   * @throws InputError when an item has no blank; SessionError; AbortedError.
   */
  answer(item: ClozeItem, options?: ClozeOptions): Promise<ClozeAnswer>;
  /** Many items, those of similar length together; an item's answer does not depend on its company. */
  answerMany(items: readonly ClozeItem[], options?: ClozeOptions): Promise<readonly ClozeAnswer[]>;
  /** What has been computed so far; rows are words, both sides together. */
  readonly counts: RunCounts;
}

/**
 * A cloze reader.
 * @throws ConfigError when the model is another; SessionError.
 * @example
 * const cloze = await createCloze(model);
 * const { answer } = await cloze.answer('小 兔 听见 了 ， 也 想 吃 XXXXX 。 小 猴 把 桃子 送给 小 兔 。');
 */
export async function createCloze(model: Model): Promise<Cloze> {
  const tokenizer = tokenizerOf(model);
  const session = await model.openGraph('model');
  if (!session.outputs.some(port => port.name === 'probabilities')) {
    throw new ConfigError({ what: 'model', expected: 'a cloze reader', found: model.manifest.architecture });
  }
  const queue = createRunQueue(session, SIDE_RULES);

  const answerMany = async (
    items: readonly ClozeItem[],
    { cut, maxBatchTokens = MAX_BATCH_TOKENS, signal }: ClozeOptions = {},
  ): Promise<readonly ClozeAnswer[]> => {
    checkInteger('maxBatchTokens', maxBatchTokens, 1);
    const sides = items.map(item => sidesOf(tokenizer, item, cut));
    const read = (scores: Float32Array, index: number): ClozeAnswer => {
      const { left, right } = sides[index] ?? { left: [], right: [] };
      return answerOf(tokenizer, [...left, ...right], scores);
    };
    return queue.ask(sides, { read, budget: maxBatchTokens, signal });
  };
  return {
    answerMany,
    async answer(item, options) {
      const [answer] = await answerMany([item], options);
      return answer ?? { answer: '', candidates: [] };
    },
    get counts() {
      return queue.counts;
    },
  };
}

/** Word ids left and right of the blank; an empty side is one unknown word. */
interface Sides {
  readonly left: readonly number[];
  readonly right: readonly number[];
}

function sidesOf(tokenizer: Tokenizer, item: ClozeItem, cut: ClozeOptions['cut']): Sides {
  const text = typeof item === 'string' ? item : `${item.document}\n${item.query}`;
  const words = cut === undefined ? tokenizer.tokenize(text) : cutAround(text, cut);
  const at = words.indexOf(BLANK);
  if (at < 0) {
    const next = cut === undefined ? 'Words stand between blanks; the blank is a word of its own.' : undefined;
    throw new InputError({ what: 'cloze text', expected: `a blank ${BLANK}`, found: 'none', ...(next && { next }) });
  }
  const ids = (side: readonly string[]) => (side.length === 0 ? [0] : side.map(word => tokenizer.tokenToId(word)));
  return { left: ids(words.slice(0, at)), right: ids(words.slice(at + 1)) };
}

/** Words of raw text; white space between them is none. */
function cutAround(text: string, cut: (text: string) => Iterable<string>): string[] {
  const words = (part: string) => [...cut(part)].filter(word => word.trim() !== '');
  return text.split(BLANK).flatMap((part, i) => (i === 0 ? words(part) : [BLANK, ...words(part)]));
}

/** How texts become runs; a result is the probability of every word of a text, in reading order. */
const SIDE_RULES: RunRules<Sides, Float32Array> = {
  group(items, budget) {
    return batchBySides(
      items.map(({ left, right }) => [left.length, right.length]),
      budget,
    );
  },
  input(batch) {
    const rows = batch.reduce((sum, { left, right }) => sum + left.length + right.length, 0);
    const paddedRows = batch.length * (longest(batch, 'left') + longest(batch, 'right'));
    return { feeds: batchFeeds(batch), fetches: ['probabilities'], rows, paddedRows };
  },
  results(outputs, batch) {
    const { data, shape } = float32Output(outputs, 'probabilities');
    const width = shape[1] ?? 0; // L + M
    const rightStart = longest(batch, 'left');
    return batch.map(({ left, right }, lane) => {
      const row = data.subarray(lane * width, (lane + 1) * width);
      const scores = new Float32Array(left.length + right.length);
      scores.set(row.subarray(0, left.length));
      scores.set(row.subarray(rightStart, rightStart + right.length), left.length);
      return scores;
    });
  },
};

function longest(batch: readonly Sides[], side: keyof Sides): number {
  return Math.max(...batch.map(sides => sides[side].length));
}

/** Ids and lengths of both sides, padded to the longest: [B, L], [B], [B, M], [B]. */
function batchFeeds(batch: readonly Sides[]): Record<string, Tensor> {
  const feeds = (name: keyof Sides): Record<string, Tensor> => {
    const rows = batch.map(sides => sides[name]);
    const lengths = rows.map(row => row.length);
    return { [`${name}_ids`]: paddedTensor(rows), [`${name}_lengths`]: int64Tensor(lengths, [rows.length]) };
  };
  return { ...feeds('left'), ...feeds('right') };
}

/** Adds up equal words in reading order and in single precision, as the original does. */
function answerOf(tokenizer: Tokenizer, ids: readonly number[], scores: ArrayLike<number>): ClozeAnswer {
  const sums = new Map<number, number>();
  ids.forEach((id, i) => {
    sums.set(id, Math.fround((sums.get(id) ?? 0) + (scores[i] ?? 0)));
  });
  const candidates = [...sums]
    .map(([id, score]) => ({ word: tokenizer.idToToken(id), score }))
    .sort((a, b) => b.score - a.score);
  return { answer: candidates[0]?.word ?? '', candidates };
}
