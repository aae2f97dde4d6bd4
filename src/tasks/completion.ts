/**
 * Completion: a text goes on, or another is written from it. CPM-LM gives back prompt and continuation decoded together, with the signs that stand for
 * blanks and line ends turned back; GPT2_ML puts the continuation behind the prompt as it was given. Which of it, which
 * token ends a text and how long it may be is data, kept in the manifest's `tasks.completion`.
 *
 * https://github.com/bojone/CPM_LM_bert4keras,
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/examples/basic_language_model_gpt2_ml.py,
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/examples/task_seq2seq_autotitle_csl_mt5.py
 */
import { ConfigError, InputError } from '../core/errors.ts';
import type { TokenizerEntry } from '../core/manifest.ts';
import { checkInteger } from '../decode/option-checks.ts';
import type { RunCounts } from '../generation/run-counts.ts';
import type { StrategyChoice, StrategyOptions } from '../generation/strategy.ts';
import type { Model } from '../model.ts';
import { cpmText } from '../tokenizers/sentencepiece/cpm-recipe.ts';
import {
  type Decoding,
  type DecodingOptions,
  decodingChecks,
  knownToken,
  resolveDecoding,
} from './decoding-settings.ts';
import {
  checkSettings,
  lastGiven,
  manifestSettings,
  number,
  oneOf,
  type SettingChecks,
  string,
} from './setting-checks.ts';
import {
  checkOneText,
  type GeneratedText,
  type GenerationControls,
  generateTexts,
  openTextEngine,
  type Prompt,
  type TextEngine,
  type ToText,
} from './text-generation.ts';
import { streamText } from './text-stream.ts';

/** How prompt and new ids become a text. */
interface TextRecipe {
  /**
   * The prompt's part in a text: `decoded` together with the new ids, as it was `given`, or `omitted`. Default `decoded`
   * where words are cut before tokenizing, `omitted` for UniLM models, `given` otherwise.
   */
  readonly promptText?: 'decoded' | 'given' | 'omitted' | null;
  /** Whether decoded texts have CPM's signs for blanks and line ends. Default `cpm` where words are cut beforehand. */
  readonly signs?: 'cpm' | 'none' | null;
  /**
   * The token that a text begins with where the prompt has an encoder of its own, by id or as a token of the vocabulary.
   * Default 0, the padding, as Google trained T5.
   */
  readonly startId?: number | null;
  readonly startToken?: string | null;
}

/** Options of a completion besides its signal. */
type PromptOptions = DecodingOptions & {
  /** Most tokens of a prompt, start and end token included; what a longer one has beyond them is left out. Default: all. */
  readonly maxPromptLen?: number | null;
};

/** Settings of a completer: defaults of its completions, and how texts are put together. */
export type CompletionSettings = PromptOptions & TextRecipe;

/** Options of one prompt. */
export type CompletionOptions = PromptOptions & { readonly signal?: AbortSignal };

/** What a completer writes. */
export interface Completion {
  /** Text of the first completion. */
  readonly text: string;
  /** All of them: more than one with option `n`. Samples stand in the order in which they finished. */
  readonly completions: readonly GeneratedText[];
  /** Repeats this result when given as an option; absent where nothing was drawn, or `random` was given. */
  readonly seed?: number;
}

/** Completes prompts. Calls may overlap. */
export interface Completer {
  /**
   * Writes on from a prompt.
   * @throws InputError for a prompt without tokens or longer than the model's positions; ConfigError for options that do
   * not apply; SessionError; AbortedError.
   */
  complete(prompt: string, options?: CompletionOptions): Promise<Completion>;
  /**
   * As `complete`, piece by piece; no piece is taken back later, and joined they are the completion's text, the prompt
   * included where it belongs to it. The generator returns what `complete` does. Leaving the loop stops the work.
   */
  stream(prompt: string, options?: CompletionOptions): AsyncGenerator<string, Completion, undefined>;
  /** What has been computed so far. */
  readonly counts: RunCounts;
  /** How steps are computed, and why. */
  readonly strategy?: StrategyChoice;
}

const DEFAULTS: DecodingOptions = { strategy: 'sample', topP: 0.95, maxLen: 64 };

const OPTIONS: SettingChecks = { ...decodingChecks, maxPromptLen: number };

const SETTINGS: SettingChecks = {
  ...OPTIONS,
  promptText: oneOf('decoded', 'given', 'omitted'),
  signs: oneOf('cpm', 'none'),
  startId: number,
  startToken: string,
};

/**
 * A completer over a model, with the manifest's settings under those given here.
 * @throws ConfigError for settings the task or the model does not know, or a model that is no language model; SessionError.
 * @example
 * const completer = await createCompleter(await loadModel('models/cpm'));
 * const { completions } = await completer.complete('今天天气不错', { topP: 0.9, n: 3, seed: 1 });
 */
export async function createCompleter(
  model: Model,
  options: CompletionSettings & StrategyOptions = {},
): Promise<Completer> {
  const defaults = manifestSettings<CompletionSettings>(model.manifest, 'completion', SETTINGS);
  const { cache, ...settings } = options;
  checkSettings(settings, SETTINGS, 'settings of the completer');
  const recipe = defaultRecipe(model.manifest.tokenizer, model.manifest.attention.visibility);
  return createCompleterOver(await openTextEngine(model, { cache }), [recipe, defaults, settings]);
}

/** What follows from the manifest: signs that went in come out again, and a UniLM model or T5 writes another text. */
function defaultRecipe(tokenizer: TokenizerEntry | undefined, visibility: TextEngine['visibility']): TextRecipe {
  const isCut = tokenizer?.kind === 'sentencepiece' && tokenizer.preTokenize !== null;
  if (isCut) return { promptText: 'decoded', signs: 'cpm' };
  return { promptText: visibility === 'prefix' ? 'omitted' : 'given', signs: 'none' };
}

/** A completer over an engine; later levels of settings override earlier ones. */
export function createCompleterOver(engine: TextEngine, levels: readonly CompletionSettings[]): Completer {
  const { tokenizer } = engine;
  const promptText = lastGiven(levels, 'promptText') ?? 'given';
  const signs = lastGiven(levels, 'signs') ?? 'none';
  const startId = startOf(engine, levels);
  const defaults = [DEFAULTS, ...levels.map(decodingOf)];
  resolveDecoding(defaults, tokenizer);

  const decode: ToText = tokenIds => {
    const text = tokenizer.decode(tokenIds);
    return signs === 'cpm' ? cpmText(text) : text;
  };
  const textOf = (given: string, { tokenIds, sourceLength = tokenIds.length }: Prompt): ToText => {
    if (promptText === 'decoded') return ids => decode([...tokenIds.slice(0, sourceLength), ...ids]);
    return promptText === 'given' ? ids => given + decode(ids) : decode;
  };
  const prepare = (given: string, { signal, ...options }: CompletionOptions) => {
    checkSettings(options, OPTIONS, 'options of the completion');
    const decoding = resolveDecoding([...defaults, decodingOf(options)], tokenizer);
    const maxLen = lastGiven([...levels, options], 'maxPromptLen') ?? undefined;
    const prompt = encodePrompt(engine, given, { startId, maxLen });
    const toText = textOf(given, prompt);
    const run = async (controls: GenerationControls) =>
      completionOf(await generateTexts(engine, prompt, { decoding, toText }, controls), decoding);
    return { run, toText, decoding, signal };
  };

  return {
    async complete(prompt, options = {}) {
      const { run, signal } = prepare(prompt, options);
      return run({ signal });
    },
    async *stream(prompt, options = {}) {
      const { run, toText, decoding, signal } = prepare(prompt, options);
      checkOneText(decoding);
      return yield* streamText((onStep, stop) => run({ onStep, signal: stop }), toText, signal);
    },
    ...(engine.strategy !== undefined && { strategy: engine.strategy }),
    get counts() {
      return engine.counts;
    },
  };
}

/** Settings but those of the recipe and of prompts. */
function decodingOf(settings: CompletionSettings): DecodingOptions {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => Object.hasOwn(decodingChecks, name)));
}

/** The token that texts begin with; undefined where they go on from the prompt. */
function startOf({ tokenizer, crossAttention }: TextEngine, levels: readonly CompletionSettings[]): number | undefined {
  // Either way of naming it replaces both.
  const named = levels.findLast(({ startId, startToken }) => startId !== undefined || startToken !== undefined);
  const { startId = null, startToken = null } = named ?? {};
  const start = startToken === null ? startId : knownToken(tokenizer, 'startToken', startToken);
  if (crossAttention === true) return start ?? 0;
  if (start === null) return undefined;
  throw new ConfigError({ what: 'start token', expected: 'none: texts go on from the prompt', found: `${start}` });
}

/**
 * New ids have segment 1 behind a UniLM prompt, so that they do not change what it sees; 0 otherwise. An encoder's prompt is
 * followed by what the text begins with.
 */
function encodePrompt(
  { tokenizer, visibility }: TextEngine,
  text: string,
  { startId, maxLen }: { readonly startId: number | undefined; readonly maxLen: number | undefined },
): Prompt {
  if (maxLen !== undefined) checkInteger('maxPromptLen', maxLen, 3);
  const { tokenIds, segmentIds } = tokenizer.encode(text, undefined, { maxLen });
  if (tokenIds.length === 0)
    throw new InputError({ what: 'prompt', expected: 'at least one token', found: JSON.stringify(text) });
  if (startId === undefined) return { tokenIds, segmentIds, segmentId: visibility === 'prefix' ? 1 : 0 };
  const sides = { tokenIds: [...tokenIds, startId], segmentIds: [...tokenIds.map(() => 0), 1] };
  return { ...sides, segmentId: 1, sourceLength: tokenIds.length };
}

function completionOf(completions: readonly GeneratedText[], { seed }: Decoding): Completion {
  const [first] = completions;
  if (first === undefined) throw new InputError({ what: 'completions', expected: 'at least one', found: 'none' });
  return { text: first.text, completions, ...(seed === undefined ? {} : { seed }) };
}
