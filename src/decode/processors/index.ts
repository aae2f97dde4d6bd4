/**
 * The table of logits processors: option name → the function that makes one. Adding a processor is one file and one line
 * here. They run in the order of the table, which is the order in which Hugging Face's `generate` runs them: rules and
 * penalties, then temperature, then cuts.
 */
import { ConfigError } from '../../core/errors.ts';
import type { LogitsProcessor } from '../logits-processor.ts';
import { allowedSequences, allowedTokens } from './allowed-tokens.ts';
import { badWords } from './bad-words.ts';
import { forcedPrefix } from './forced-prefix.ts';
import { minNewTokens } from './min-new-tokens.ts';
import { minP } from './min-p.ts';
import { noRepeatNgram } from './no-repeat-ngram.ts';
import { frequencyPenalty, presencePenalty } from './occurrence-penalty.ts';
import { repetitionPenalty } from './repetition-penalty.ts';
import { suppressTokens } from './suppress-tokens.ts';
import { temperature } from './temperature.ts';
import { topK } from './top-k.ts';
import { topP } from './top-p.ts';
import { typicalP } from './typical-p.ts';

/** Rules about what may come next; they make sense in every search. */
export const rules = {
  repetitionPenalty,
  presencePenalty,
  frequencyPenalty,
  noRepeatNgram,
  badWords,
  minNewTokens,
  allowedTokens,
  allowedSequences,
  suppressTokens,
  forcedPrefix,
} as const;

/** Shaping of the distribution that a sample is drawn from. */
export const warpers = { temperature, topK, topP, minP, typicalP } as const;

/** All processors. */
export const processors = { ...rules, ...warpers } as const;

/** Name of a processor. */
export type ProcessorName = keyof typeof processors;

/** Values for the processors in a table, e.g. `{ repetitionPenalty: 1.2, topK: 40 }`. */
export type OptionsOf<T extends Readonly<Record<string, (value: never) => LogitsProcessor>>> = {
  readonly [Name in keyof T]?: Parameters<T[Name]>[0] | undefined;
};

/** Options of the rules. */
export type RuleOptions = OptionsOf<typeof rules>;

/** Options of all processors. */
export type ProcessorOptions = OptionsOf<typeof processors>;

/**
 * The processors that `options` asks for, in the table's order.
 * @throws ConfigError for an unknown name or a value out of range.
 * @example
 * const chain = createProcessors({ repetitionPenalty: 1.2, temperature: 0.8, topP: 0.95 });
 */
export function createProcessors(options: ProcessorOptions): readonly LogitsProcessor[] {
  const unknown = Object.keys(options).find(name => !Object.hasOwn(processors, name));
  if (unknown !== undefined) {
    const expected = `one of ${Object.keys(processors).join(', ')}`;
    throw new ConfigError({ what: 'logits processor', expected, found: unknown });
  }
  return Object.entries(processors).flatMap(([name, create]) => {
    const value = options[name as ProcessorName];
    return value === undefined ? [] : [(create as (value: unknown) => LogitsProcessor)(value)];
  });
}
