/**
 * One door to all searches: a strategy is plain data (it can stand in a manifest or come from a command line), a request
 * is what one run needs besides. An option that does not apply to a strategy is refused, never ignored.
 */
import { ConfigError } from '../core/errors.ts';
import { beamSearch } from './beam-search.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { type NBestRules, nBestSearch } from './n-best-search.ts';
import { createProcessors, type OptionsOf, type RuleOptions, rules, type warpers } from './processors/index.ts';
import { randomSample } from './random-sample.ts';
import type { StepScorer } from './scorer.ts';
import type { EndingRules, SearchRequest } from './search-step.ts';
import { type RandomSource, seededRandom } from './seeded-random.ts';

/** When a sequence may end; see {@link EndingRules}. */
type Ending = Omit<EndingRules, 'temperature'>;

/** The likeliest token at each step. */
export interface GreedyStrategy extends RuleOptions, Ending {
  readonly kind: 'greedy';
}

/** Random draws: temperature, then topK, topP, minP, typicalP, whichever are given. */
export interface SampleStrategy extends RuleOptions, Ending, OptionsOf<typeof warpers> {
  readonly kind: 'sample';
  /** Number of sequences. Default 1. */
  readonly n?: number | undefined;
  /** Makes draws repeatable; otherwise the request must bring a source. */
  readonly seed?: number | undefined;
}

/** Beam search with length penalty and n best, as Hugging Face and CTranslate2 do it. */
export interface BeamStrategy extends RuleOptions, NBestRules {
  readonly kind: 'beam';
}

/** Beam search with bert4keras' rules. */
export interface Bert4kerasBeamStrategy extends RuleOptions, EndingRules {
  readonly kind: 'bert4keras-beam';
  /** Beam width. */
  readonly topK: number;
}

/** How to search. */
export type Strategy = GreedyStrategy | SampleStrategy | BeamStrategy | Bert4kerasBeamStrategy;

/** What one run needs; `processors` run before those of the strategy. */
export interface GenerateRequest extends SearchRequest {
  /** Uniforms in [0, 1) for strategy `sample` without a seed, e.g. `Math.random`. */
  readonly random?: RandomSource | undefined;
}

/** A generated sequence. */
export interface Generated {
  /** With start token, if the strategy has one, and end token, if reached. */
  readonly tokenIds: readonly number[];
  /** What the strategy ranks by: see each search's result. */
  readonly score: number;
  readonly finished: boolean;
}

const ENDING = ['startId', 'minLen', 'minEnds'] as const;
const NBEST = ['width', 'n', 'lengthPenalty', 'earlyStopping', 'groups', 'diversityPenalty'] as const;
const RULES = Object.keys(rules);

/** Options of each strategy, besides `kind`. */
const OPTIONS: Readonly<Record<Strategy['kind'], readonly string[]>> = {
  greedy: [...RULES, ...ENDING],
  sample: [...RULES, ...ENDING, 'temperature', 'topK', 'topP', 'minP', 'typicalP', 'n', 'seed'],
  beam: [...RULES, ...NBEST],
  'bert4keras-beam': [...RULES, ...ENDING, 'temperature', 'topK'],
};

/**
 * Generates sequences, best first (strategy `sample`: in the order in which they finished).
 * @throws ConfigError for an option that is out of range or does not apply; what the searches throw.
 * @example
 * const [best] = await generate(scorer, { kind: 'beam', width: 4, lengthPenalty: 0.6 }, { endId: 102, maxLen: 64 });
 */
export async function generate(
  scorer: StepScorer,
  strategy: Strategy,
  request: GenerateRequest,
): Promise<readonly Generated[]> {
  checkStrategy(strategy);
  const { random, ...search } = request;
  switch (strategy.kind) {
    case 'greedy':
      return randomSample(scorer, { ...search, ...strategy, topK: 1, random: () => 0, ...chain(strategy, request) });
    case 'sample':
      return sample(scorer, strategy, request);
    case 'beam':
      return nBestSearch(scorer, { ...search, ...strategy, ...chain(strategy, request) });
    case 'bert4keras-beam':
      return [await beamSearch(scorer, { ...search, ...strategy, ...chain(strategy, request) })];
  }
}

/** Throws a ConfigError for an unknown kind or for options that don't apply to it. */
export function checkStrategy(strategy: Strategy): void {
  const allowed = Object.hasOwn(OPTIONS, strategy.kind) ? OPTIONS[strategy.kind] : undefined;
  if (allowed === undefined) {
    const expected = `one of ${Object.keys(OPTIONS).join(', ')}`;
    throw new ConfigError({ what: 'decoding strategy', expected, found: String(strategy.kind) });
  }
  const given = Object.entries(strategy).filter(([, value]) => value !== undefined);
  const foreign = given.map(([name]) => name).filter(name => name !== 'kind' && !allowed.includes(name));
  if (foreign.length > 0) {
    throw new ConfigError({
      what: `options of decoding strategy ${strategy.kind}`,
      expected: `only ${allowed.join(', ')}`,
      found: foreign.join(', '),
    });
  }
}

/**
 * minP and typicalP come after topK and topP, so where they are given the whole chain runs as processors; without them
 * the draw does the cuts itself, sorting less.
 */
function sample(scorer: StepScorer, strategy: SampleStrategy, request: GenerateRequest) {
  const { temperature, topK, topP, minP, typicalP, n, seed, ...others } = strategy;
  const random = seed === undefined ? request.random : seededRandom(seed);
  if (random === undefined) {
    const expected = 'a seed in the strategy or a random source in the request';
    throw new ConfigError({ what: 'randomness of strategy sample', expected, found: 'neither' });
  }
  const isChained = minP !== undefined || typicalP !== undefined;
  const shaping = isChained ? { temperature, topK, topP, minP, typicalP } : {};
  const cuts = isChained ? {} : { temperature, topK, topP };
  return randomSample(scorer, { ...request, ...others, ...cuts, n, random, ...chain(others, request, shaping) });
}

/** The request's processors, then those that the strategy's rules name, then those of `shaping`. */
function chain(
  strategy: RuleOptions,
  { processors = [] }: GenerateRequest,
  shaping: OptionsOf<typeof warpers> = {},
): { readonly processors: readonly LogitsProcessor[] } {
  const named = Object.fromEntries(RULES.map(name => [name, strategy[name as keyof RuleOptions]]));
  return { processors: [...processors, ...createProcessors({ ...named, ...shaping })] };
}
