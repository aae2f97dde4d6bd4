/**
 * Chat: the next turn of a dialogue. How turns become ids is data (see chat-history.ts), kept in the manifest's
 * `tasks.chat`; drawing follows the published programs: `random_sample` with topk 5, at most 32 tokens, until `[SEP]`.
 *
 * https://github.com/bojone/nezha_gpt_dialog, https://github.com/bojone/CDial-GPT-tf
 */
import { InputError } from '../core/errors.ts';
import { checkInteger } from '../decode/option-checks.ts';
import type { RunCounts } from '../generation/run-counts.ts';
import type { StrategyChoice, StrategyOptions } from '../generation/strategy.ts';
import type { Model } from '../model.ts';
import { createHistoryLayout, type FittedHistory, fitHistory, type Speakers } from './chat-history.ts';
import { type Decoding, type DecodingOptions, decodingChecks, resolveDecoding } from './decoding-settings.ts';
import { refuseEncoder } from './language-model.ts';
import { createRestingRequest } from './resting-request.ts';
import {
  checkSettings,
  lastGiven,
  listOf,
  manifestSettings,
  number,
  type SettingChecks,
  string,
} from './setting-checks.ts';
import {
  checkOneText,
  type GeneratedText,
  type GenerationControls,
  generateTexts,
  openTextEngine,
  type TextEngine,
} from './text-generation.ts';
import { streamText } from './text-stream.ts';

/** Settings of a chat: defaults of its replies, and the layout of dialogues. */
export type ChatSettings = DecodingOptions & {
  /** Most tokens of a prompt; older turns are dropped for it. Default: what the model's positions leave for a reply. */
  readonly maxPromptLen?: number | null;
  /** Tokens of the two sides, e.g. `['[speaker1]', '[speaker2]']`. Default null: segments alternate. */
  readonly speakers?: Speakers;
};

/** Options of one reply. */
export type ChatOptions = Omit<ChatSettings, 'speakers'> & { readonly signal?: AbortSignal };

/** What a chat answers. */
export interface ChatReply {
  /** The first of `replies`. */
  readonly text: string;
  readonly tokenIds: readonly number[];
  /** All of them: more than one with option `n`. Samples stand in the order in which they finished. */
  readonly replies: readonly GeneratedText[];
  /** Number of oldest turns that were left out of the prompt because it would have been too long. */
  readonly droppedTurns: number;
  /** Repeats this reply when given as an option; absent where nothing was drawn, or `random` was given. */
  readonly seed?: number;
}

/**
 * A chat. The history comes with every call, and calls may overlap; what a call shares with the one before it, as the next
 * turn of a dialogue does, is not computed again.
 */
export interface Chat {
  /**
   * Writes the next turn.
   * @param history turns from the oldest to the newest, the last of which is answered.
   * @throws InputError for an empty history or a last turn that is too long; ConfigError for options that do not apply;
   * SessionError; AbortedError.
   */
  reply(history: readonly string[], options?: ChatOptions): Promise<ChatReply>;
  /**
   * As `reply`, piece by piece; no piece is taken back later, and joined they are the reply's text. The generator returns
   * what `reply` does. Leaving the loop stops the work.
   */
  stream(history: readonly string[], options?: ChatOptions): AsyncGenerator<string, ChatReply, undefined>;
  /** What has been computed so far. */
  readonly counts: RunCounts;
  /** How steps are computed, and why. */
  readonly strategy?: StrategyChoice;
}

const DEFAULTS: DecodingOptions = { strategy: 'sample', topK: 5, maxLen: 32 };

const OPTIONS: SettingChecks = { ...decodingChecks, maxPromptLen: number };
const SETTINGS: SettingChecks = { ...OPTIONS, speakers: listOf(string, 2) };

/**
 * A chat over a model, with the manifest's settings under those given here.
 * @throws ConfigError for settings the task does not know, or a model that is no language model; SessionError.
 * @example
 * const chat = await createChat(await loadModel('models/chat'));
 * const { text } = await chat.reply(['你好'], { seed: 1 });
 * for await (const piece of chat.stream(['你好', text, '我叫小明'])) process.stdout.write(piece);
 */
export async function createChat(model: Model, options: ChatSettings & StrategyOptions = {}): Promise<Chat> {
  const defaults = manifestSettings<ChatSettings>(model.manifest, 'chat', SETTINGS);
  const { cache, ...settings } = options;
  checkSettings(settings, SETTINGS, 'settings of the chat');
  return createChatOver(await openTextEngine(model, { cache }), [defaults, settings]);
}

/** A chat over an engine; later levels of settings override earlier ones. */
export function createChatOver(engine: TextEngine, levels: readonly ChatSettings[]): Chat {
  const { tokenizer } = engine;
  refuseEncoder(engine);
  const layout = createHistoryLayout(tokenizer, lastGiven(levels, 'speakers') ?? null);
  const toText = (tokenIds: readonly number[]): string => tokenizer.decode(tokenIds);
  const resting = createRestingRequest();
  const defaults = levels.map(({ speakers: _, ...options }) => options);
  resolveOptions(defaults, engine);

  const prepare = (history: readonly string[], { signal, ...options }: ChatOptions) => {
    checkSettings(options, OPTIONS, 'options of the reply');
    const { decoding, limits } = resolveOptions([...defaults, options], engine);
    const fitted = fitHistory(layout, history, limits);
    const run = async (controls: GenerationControls) =>
      chatReply(await generateTexts(engine, fitted.prompt, { decoding, toText, resting }, controls), fitted, decoding);
    return { run, decoding, signal };
  };

  return {
    async reply(history, options = {}) {
      const { run, signal } = prepare(history, options);
      return run({ signal });
    },
    async *stream(history, options = {}) {
      const { run, decoding, signal } = prepare(history, options);
      checkOneText(decoding);
      return yield* streamText((onStep, stop) => run({ onStep, signal: stop }), toText, signal);
    },
    ...(engine.strategy !== undefined && { strategy: engine.strategy }),
    get counts() {
      return engine.counts;
    },
  };
}

/** Merges levels into what a reply needs. @throws ConfigError for options that do not apply or are out of range. */
function resolveOptions(levels: readonly Omit<ChatSettings, 'speakers'>[], { tokenizer, maxPositions }: TextEngine) {
  const decodingLevels = levels.map(({ maxPromptLen: _, ...options }) => options);
  const decoding = resolveDecoding([DEFAULTS, ...decodingLevels], tokenizer);
  const maxPromptLen = lastGiven(levels, 'maxPromptLen') ?? null;
  if (maxPromptLen !== null) checkInteger('maxPromptLen', maxPromptLen, 1);
  const possible = Math.min(maxPromptLen ?? Number.POSITIVE_INFINITY, maxPositions ?? Number.POSITIVE_INFINITY);
  const wanted = maxPositions === null ? possible : Math.min(possible, maxPositions - decoding.maxLen + 1);
  return { decoding, limits: { wanted, possible } };
}

function chatReply(replies: readonly GeneratedText[], { droppedTurns }: FittedHistory, { seed }: Decoding): ChatReply {
  const [first] = replies;
  if (first === undefined) throw new InputError({ what: 'replies', expected: 'at least one', found: 'none' });
  const { text, tokenIds } = first;
  return { text, tokenIds, replies, droppedTurns, ...(seed === undefined ? {} : { seed }) };
}
