/**
 * An engine over a table instead of a model, so that tasks are tested without a graph.
 */
import { type Hypothesis, tokenIdsOf } from '../../src/decode/scorer.ts';
import type { GenerationScorer, StartOptions } from '../../src/generation/generation-scorer.ts';
import type { Sequence } from '../../src/generation/visibility.ts';
import type { TextEngine } from '../../src/tasks/text-generation.ts';
import { createWordPieceTokenizer, type WordPieceOptions } from '../../src/tokenizers/wordpiece/wordpiece-tokenizer.ts';

/** The vocabulary of these tests. */
export const TOKENS = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  ...['[speaker1]', '[speaker2]', '你', '好', '吗', '。', '，', 'hello', '##o', '##e', 'r', 're', 's', 'it', "'", '.'],
  ...['1', '2', '-', ',', 'm', '##s', '[', ']', 'x', 'é', '𠀀', 'wor', '##ld', '%', '“', '”'],
];

/** Id of a token. */
export const idOf = (token: string): number => TOKENS.indexOf(token);

/** A tokenizer over {@link TOKENS}. */
export function tableTokenizer(options: WordPieceOptions = {}) {
  return createWordPieceTokenizer(new Map(TOKENS.map((token, id) => [token, id])), options);
}

/** A request and the scorer that it got. */
export interface StartedRequest {
  readonly prompt: Sequence;
  readonly options: StartOptions;
  readonly scorer: GenerationScorer;
}

/** What a test may look at afterwards. */
export interface TableEngine extends TextEngine {
  /** Prompts that were started, with their options. */
  readonly started: readonly StartedRequest[];
  /** Scorers that were started and neither released nor laid to rest. */
  readonly open: { count: number };
}

/** Logits of the next token after generated ids. */
export type Row = (tokenIds: readonly number[], prompt: Sequence) => Readonly<Record<string, number>>;

/** An engine whose logits are those of `row`, by token, and -9 for every other token. */
export function tableEngine(row: Row, more: Partial<TextEngine> = {}): TableEngine {
  const started: StartedRequest[] = [];
  const open = { count: 0 };
  return {
    tokenizer: tableTokenizer(),
    visibility: 'causal',
    maxPositions: null,
    counts: { runs: 0, rows: 0, paddedRows: 0, sessionMilliseconds: 0 },
    ...more,
    started,
    open,
    start(prompt, options) {
      open.count++;
      let isOpen = true;
      const close = () => {
        if (isOpen) open.count--;
        isOpen = false;
      };
      const score = async (hypotheses: readonly Hypothesis[]) =>
        Float32Array.from(hypotheses.flatMap(hypothesis => logits(row(tokenIdsOf(hypothesis), prompt))));
      const vocabSize = TOKENS.length;
      const scorer: GenerationScorer = { vocabSize, kind: 'logits', reused: 0, score, release: close, rest: close };
      started.push({ prompt, options, scorer });
      return scorer;
    },
  };
}

/** An engine that writes these tokens, whatever the prompt, and then `[SEP]`. */
export function scriptedEngine(tokens: readonly string[], more: Partial<TextEngine> = {}): TableEngine {
  return tableEngine(ids => ({ [tokens[ids.length] ?? '[SEP]']: 9 }), more);
}

function logits(given: Readonly<Record<string, number>>): number[] {
  return TOKENS.map(token => given[token] ?? -9);
}
