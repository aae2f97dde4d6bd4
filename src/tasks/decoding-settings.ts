/**
 * How tasks that write text take decoding options: one flat object over all strategies, which can stand in a manifest
 * (`tasks.chat`, `tasks.completion`), come from a command line or from a call. Later levels override earlier ones; what
 * does not apply to the strategy is refused.
 */
import { ConfigError } from '../core/errors.ts';
import { checkStrategy, type SampleStrategy, type Strategy } from '../decode/generate.ts';
import type { NBestRules } from '../decode/n-best-search.ts';
import type { OptionsOf, RuleOptions, warpers } from '../decode/processors/index.ts';
import type { RandomSource } from '../decode/seeded-random.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import type { SettingChecks } from './setting-checks.ts';
import * as is from './setting-checks.ts';

/** Options that every strategy takes, and those of single ones; see docs/decoding.md. */
interface AllOptions extends RuleOptions, OptionsOf<typeof warpers>, Omit<NBestRules, 'n'> {
  /** Naming another strategy than the defaults' drops their options, but for lengths and end token. */
  readonly strategy?: Strategy['kind'];
  /** The token that ends a text, by id or as a token of the vocabulary. Default: the tokenizer's end token. */
  readonly endId?: number;
  readonly endToken?: string;
  /** Most new tokens, the end token included. */
  readonly maxLen?: number;
  /** Fewest new tokens; an end token before that does not end the text. */
  readonly minLen?: number;
  /** How many end tokens a text must hold before it may end. */
  readonly minEnds?: number;
  /** Number of texts. */
  readonly n?: number;
  /** Makes samples repeatable. Without it (and without `random`) one is drawn, and returned with the result. */
  readonly seed?: number;
  /** Uniforms in [0, 1) for samples, in place of a seed. */
  readonly random?: RandomSource;
}

/** Decoding options of a task; null takes a default away (`topP: null`). */
export type DecodingOptions = { readonly [Name in keyof AllOptions]?: AllOptions[Name] | null };

/** What decoding needs to know, all levels merged. */
export interface Decoding {
  readonly strategy: Strategy;
  readonly endId: number;
  readonly maxLen: number;
  readonly random: RandomSource | undefined;
  /** The seed of samples; undefined where nothing is drawn or `random` was given. */
  readonly seed: number | undefined;
}

/** Kinds of value of each decoding option. Ranges are checked by the searches. */
export const decodingChecks: SettingChecks = {
  strategy: is.oneOf('greedy', 'sample', 'beam', 'bert4keras-beam'),
  endId: is.number,
  endToken: is.string,
  maxLen: is.number,
  minLen: is.number,
  minEnds: is.number,
  n: is.number,
  seed: is.number,
  random: is.callable,
  temperature: is.number,
  topK: is.number,
  topP: is.number,
  minP: is.number,
  typicalP: is.number,
  repetitionPenalty: is.number,
  presencePenalty: is.number,
  frequencyPenalty: is.number,
  noRepeatNgram: is.number,
  badWords: is.listOf(is.listOf(is.number)),
  minNewTokens: is.number,
  allowedTokens: is.callable,
  allowedSequences: is.listOf(is.listOf(is.number)),
  suppressTokens: is.listOf(is.number),
  forcedPrefix: is.listOf(is.number),
  width: is.number,
  lengthPenalty: is.number,
  earlyStopping: is.oneOf(true, false, 'never'),
  groups: is.number,
  diversityPenalty: is.number,
};

/** Options that say when a text ends, whichever the strategy; the second list is not known to strategy `beam`. */
const ENDS = ['endId', 'endToken', 'maxLen'];
const LEAST = ['minLen', 'minEnds'];

/**
 * Merges levels of options, the task's defaults first, the call's last.
 * @throws ConfigError when an option does not apply to the strategy, or no end token is known.
 */
export function resolveDecoding(levels: readonly DecodingOptions[], tokenizer: Tokenizer): Decoding {
  const merged = mergeLevels(levels);
  const { strategy: kind = 'sample', endId, endToken, maxLen = 64, random, ...options } = merged;
  const strategy = { kind, ...options } as Strategy;
  checkStrategy(strategy);
  const ends = { endId: endOf(tokenizer, endId, endToken), maxLen };
  if (strategy.kind !== 'sample') {
    if (random === undefined) return { strategy, ...ends, random, seed: undefined };
    throw new ConfigError({ what: 'option random', expected: 'strategy sample', found: `strategy ${kind}` });
  }
  return { ...ends, ...withRandomness(strategy, random) };
}

/** An option that is null is taken away; undefined says nothing. */
function mergeLevels(levels: readonly DecodingOptions[]): AllOptions {
  let merged: Record<string, unknown> = {};
  for (const level of levels) {
    const { strategy } = level;
    if (typeof strategy === 'string' && strategy !== (merged['strategy'] ?? strategy)) {
      const carried = strategy === 'beam' ? ENDS : [...ENDS, ...LEAST];
      merged = Object.fromEntries(Object.entries(merged).filter(([name]) => carried.includes(name)));
    }
    // Either way of naming the end replaces both.
    const { endId, endToken } = level;
    if (endId !== undefined || endToken !== undefined) merged = { ...merged, endId: null, endToken: null };
    const given = Object.entries(level).filter(([, value]) => value !== undefined);
    merged = { ...merged, ...Object.fromEntries(given) };
  }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

function endOf(tokenizer: Tokenizer, endId: number | undefined, endToken: string | undefined): number {
  const next = 'Set endId or endToken, such as the full stop.';
  if (endId !== undefined && endToken !== undefined) {
    throw new ConfigError({ what: 'end token', expected: 'endId or endToken', found: 'both' });
  }
  if (endToken !== undefined) return knownToken(tokenizer, 'endToken', endToken);
  const id = endId ?? tokenizer.tokenEndId;
  if (id === undefined) throw new ConfigError({ what: 'end token', found: 'none', next });
  if (Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize) return id;
  throw new ConfigError({ what: 'option endId', expected: `0 to ${tokenizer.vocabSize - 1}`, found: String(id), next });
}

/** The id of a token that a setting names. @throws ConfigError when the vocabulary lacks it. */
export function knownToken(tokenizer: Tokenizer, setting: string, token: string): number {
  const id = tokenizer.tokenToId(token);
  if (id !== tokenizer.tokenUnkId) return id;
  throw new ConfigError({ what: `setting ${setting}`, expected: 'a token of the vocabulary', found: token });
}

function withRandomness(strategy: SampleStrategy, random: RandomSource | undefined) {
  if (random === undefined) {
    const { seed = crypto.getRandomValues(new Uint32Array(1))[0] } = strategy;
    return { strategy: { ...strategy, seed }, random, seed };
  }
  if (strategy.seed === undefined) return { strategy, random, seed: undefined };
  throw new ConfigError({ what: 'randomness', expected: 'seed or random', found: 'both' });
}
