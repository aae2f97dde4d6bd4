/**
 * How texts are decoded, as flags: for the commands that write text, where they override the model's own settings, and for
 * `convert`, where they become them.
 */
import type { Json, Manifest } from '../core/manifest.ts';
import type { CompletionSettings } from '../tasks/completion.ts';
import type { DecodingOptions } from '../tasks/decoding-settings.ts';
import type { Flags, Parsed } from './command.ts';

const GROUP = 'Decoding:';

/** The flags. */
export const decodingFlags = {
  strategy: {
    type: 'string',
    choices: ['greedy', 'sample', 'beam', 'bert4keras-beam'],
    group: GROUP,
    describe: 'how tokens are chosen; see docs/decoding.md',
  },
  'top-k': { type: 'number', group: GROUP, describe: 'sample: likeliest tokens to draw from; bert4keras-beam: beams' },
  'top-p': { type: 'number', group: GROUP, describe: 'sample: share of probability to draw from' },
  temperature: { type: 'number', group: GROUP, describe: 'below 1 sharper, above 1 flatter' },
  seed: { type: 'number', group: GROUP, describe: 'makes samples repeatable' },
  n: { type: 'number', group: GROUP, describe: 'number of texts' },
  width: { type: 'number', group: GROUP, describe: 'beam: number of beams' },
  'length-penalty': {
    type: 'number',
    group: GROUP,
    describe: 'beam: exponent of the length that scores are divided by',
  },
  'repetition-penalty': { type: 'number', group: GROUP, describe: 'above 1 makes tokens that are there less likely' },
  'no-repeat-ngram': { type: 'number', group: GROUP, describe: 'no run of so many tokens twice' },
  'max-prompt-len': { type: 'number', group: GROUP, describe: 'most tokens of a prompt; longer ones are cut' },
  'max-len': { type: 'number', group: GROUP, describe: 'most new tokens, the end token included' },
  'min-len': { type: 'number', group: GROUP, describe: 'fewest new tokens' },
  'min-ends': { type: 'number', group: GROUP, describe: 'end tokens before a text may end' },
  'end-id': { type: 'number', group: GROUP, describe: 'id of the token that ends a text' },
  'end-token': { type: 'string', group: GROUP, describe: 'the same as a token of the vocabulary' },
} as const satisfies Flags;

/** The token that a text begins with, which chats have no use for. */
export const startFlags = {
  'start-id': { type: 'number', group: GROUP, describe: 'T5: id of the token that a text begins with (0)' },
  'start-token': { type: 'string', group: GROUP, describe: 'the same as a token of the vocabulary' },
} as const satisfies Flags;

/** The flags that were given, as settings of a completer. */
export function startOptions({ startId, startToken }: Parsed<typeof startFlags>): CompletionSettings {
  return given({ startId, startToken });
}

/** The flags that were given, as options of a task. */
export function decodingOptions(
  flags: Parsed<typeof decodingFlags>,
): DecodingOptions & { readonly maxPromptLen?: number } {
  return given({
    maxPromptLen: flags.maxPromptLen,
    strategy: flags.strategy,
    topK: flags.topK,
    topP: flags.topP,
    temperature: flags.temperature,
    seed: flags.seed,
    n: flags.n,
    width: flags.width,
    lengthPenalty: flags.lengthPenalty,
    repetitionPenalty: flags.repetitionPenalty,
    noRepeatNgram: flags.noRepeatNgram,
    maxLen: flags.maxLen,
    minLen: flags.minLen,
    minEnds: flags.minEnds,
    endId: flags.endId,
    endToken: flags.endToken,
  });
}

/** Tasks that write text, as the manifest calls them. */
const WRITING_TASKS = ['chat', 'completion'] as const;

/** Decoding flags with the task they are for, as `convert` has them. */
export const taskFlags = {
  ...decodingFlags,
  ...startFlags,
  task: {
    type: 'string',
    array: true,
    choices: WRITING_TASKS,
    group: GROUP,
    describe: 'tasks that the settings of this group are for (those of the preset, or both)',
  },
} as const satisfies Flags;

/** The flags that were given to `convert`, as the manifest's settings of the tasks named, or else of `tasks`. */
export function taskSettings(
  flags: Parsed<typeof taskFlags>,
  tasks: readonly string[] = WRITING_TASKS,
): Manifest['tasks'] {
  const shared = decodingOptions(flags) as Readonly<Record<string, Json>>;
  const start = startOptions(flags) as Readonly<Record<string, Json>>;
  const settings = (flags.task ?? tasks).map(task => [task, task === 'completion' ? { ...shared, ...start } : shared]);
  return Object.fromEntries(settings.filter(([, entries]) => Object.keys(entries ?? {}).length > 0));
}

/** Without the entries that are undefined. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
