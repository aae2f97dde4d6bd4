/**
 * An engine over a table instead of a model, so that tasks are tested without a graph.
 */
import { type Hypothesis, tokenIdsOf } from '../../src/decode/scorer.ts';
import type { StartOptions } from '../../src/generation/generation-scorer.ts';
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

/** What a test may look at afterwards. */
export interface TableEngine extends TextEngine {
  /** Prompts that were started, with their options. */
  readonly started: readonly { readonly prompt: Sequence; readonly options: StartOptions }[];
  /** Scorers that were started and not released. */
  readonly open: { count: number };
}

/** Logits of the next token after generated ids. */
export type Row = (tokenIds: readonly number[], prompt: Sequence) => Readonly<Record<string, number>>;

/** An engine whose logits are those of `row`, by token, and -9 for every other token. */
export function tableEngine(row: Row, more: Partial<TextEngine> = {}): TableEngine {
  const started: { prompt: Sequence; options: StartOptions }[] = [];
  const open = { count: 0 };
  return {
    tokenizer: tableTokenizer(),
    visibility: 'causal',
    maxPositions: null,
    ...more,
    started,
    open,
    start(prompt, options) {
      started.push({ prompt, options });
      open.count++;
      const release = () => {
        open.count--;
      };
      const score = async (hypotheses: readonly Hypothesis[]) =>
        Float32Array.from(hypotheses.flatMap(hypothesis => logits(row(tokenIdsOf(hypothesis), prompt))));
      return { vocabSize: TOKENS.length, kind: 'logits', score, release };
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
