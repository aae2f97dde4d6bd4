/**
 * What chat and completion share: prompts to texts through the generation engine, whole or as a stream.
 */
import { ConfigError } from '../core/errors.ts';
import type { AttentionRules } from '../core/manifest.ts';
import { type Generated, generate } from '../decode/generate.ts';
import type { StepListener } from '../decode/step-events.ts';
import type { GenerationScorer, StartOptions } from '../generation/generation-scorer.ts';
import { openGenerator } from '../generation/open-generator.ts';
import type { RunCounts } from '../generation/run-counts.ts';
import { checkLength } from '../generation/sequence-checks.ts';
import type { StrategyChoice, StrategyOptions } from '../generation/strategy.ts';
import type { Sequence } from '../generation/visibility.ts';
import { type Model, tokenizerOf } from '../model.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import type { Decoding } from './decoding-settings.ts';
import { requireLanguageModel } from './language-model.ts';
import type { RestingRequest } from './resting-request.ts';

/** A prompt and the segment id of what follows it. */
export interface Prompt extends Sequence {
  readonly segmentId: number;
  /** Leading tokens that are of a source with an encoder of its own: rules about repetition do not look at them. */
  readonly sourceLength?: number;
}

/** What a task that writes text needs of a model; tests bring a table in its place. */
export interface TextEngine {
  /** As the generation engine's `start`. */
  start(prompt: Sequence, options: StartOptions): GenerationScorer;
  readonly tokenizer: Tokenizer;
  readonly visibility: AttentionRules['visibility'];
  /** Whether a source has an encoder of its own. Default false. */
  readonly crossAttention?: boolean;
  /** Longest sequence, or null where positions have no limit. */
  readonly maxPositions: number | null;
  /** What has been computed so far. */
  readonly counts: RunCounts;
  /** How steps are computed, and why; absent where no model is behind it. */
  readonly strategy?: StrategyChoice;
}

/** A text that was written. */
export interface GeneratedText {
  readonly text: string;
  /** New ids only, the end token included. */
  readonly tokenIds: readonly number[];
  /** What the strategy ranks by; for samples the sum of log p of the drawn tokens. */
  readonly score: number;
  /** False when `maxLen` or the model's positions cut the text off. */
  readonly finished: boolean;
}

/** How one run is watched. */
export interface GenerationControls {
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: StepListener | undefined;
}

/** Turns new ids into a text. */
export type ToText = (tokenIds: readonly number[]) => string;

/** What is done with a prompt. */
export interface GenerationPlan {
  readonly decoding: Decoding;
  readonly toText: ToText;
  /** Where a request with one text rests until a prompt goes on from it; without one it is released. */
  readonly resting?: RestingRequest;
}

/**
 * Opens a model for writing.
 * @throws ConfigError when it has no tokenizer or step graph, or sees in both directions; SessionError.
 */
export async function openTextEngine(model: Model, options: StrategyOptions): Promise<TextEngine> {
  const { manifest } = model;
  const { visibility, crossAttention = false } = manifest.attention;
  requireLanguageModel(manifest.attention);
  const tokenizer = tokenizerOf(model);
  const generator = await openGenerator(model, options);
  return {
    tokenizer,
    strategy: generator.strategy,
    visibility,
    crossAttention,
    maxPositions: manifest.dimensions.maxPositions,
    start: (prompt, options) => generator.start(prompt, options),
    get counts() {
      return generator.counts;
    },
  };
}

/**
 * Writes on from a prompt.
 * @returns the texts, best first; samples in the order in which they finished.
 * @throws InputError for a prompt the model can't take and scores that are not finite; ConfigError; SessionError;
 * AbortedError.
 */
export async function generateTexts(
  engine: TextEngine,
  prompt: Prompt,
  { decoding, toText, resting }: GenerationPlan,
  { signal, onStep }: GenerationControls,
): Promise<readonly GeneratedText[]> {
  const { strategy, endId, random } = decoding;
  const maxLen = Math.min(decoding.maxLen, roomAfter(prompt, engine.maxPositions));
  const scorer = startRequest(engine, prompt, resting?.take(prompt));
  try {
    const promptTokenIds = prompt.tokenIds.slice(prompt.sourceLength ?? 0);
    const request = { endId, maxLen, random, promptTokenIds, signal, onStep };
    const results = (await generate(scorer, strategy, request)).map(result => textOf(result, toText));
    // Beams that were given up would take room in the cache for as long as the dialogue lasts.
    const isOnePath = results.length === 1 && (strategy.kind === 'greedy' || strategy.kind === 'sample');
    if (resting !== undefined && isOnePath) resting.keep(prompt, scorer);
    else scorer.release();
    return results;
  } catch (error) {
    scorer.release();
    throw error;
  }
}

function startRequest(engine: TextEngine, prompt: Prompt, after: GenerationScorer | undefined): GenerationScorer {
  try {
    return engine.start(prompt, { segmentId: prompt.segmentId, after });
  } catch (error) {
    after?.release();
    throw error;
  }
}

/** Tokens that can follow a prompt. The last one is never fed, so it needs no position. */
function roomAfter({ tokenIds }: Prompt, maxPositions: number | null): number {
  checkLength({ maxPositions }, tokenIds.length);
  return maxPositions === null ? Number.POSITIVE_INFINITY : maxPositions - tokenIds.length + 1;
}

function textOf({ tokenIds, score, finished }: Generated, toText: ToText): GeneratedText {
  return { text: toText(tokenIds), tokenIds, score, finished };
}

/** @throws ConfigError when a stream is asked for several texts. */
export function checkOneText({ strategy }: Decoding): void {
  if (!('n' in strategy) || strategy.n === undefined || strategy.n === 1) return;
  throw new ConfigError({ what: 'option n of a stream', expected: '1', found: String(strategy.n) });
}
