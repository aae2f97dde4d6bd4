/**
 * How reading comprehension answers, as flags of `answer`, and of `convert`, where they become the model's own settings.
 */
import type { AnswerOptions } from '../tasks/answer.ts';
import type { Flags, Parsed } from './command.ts';
import { given } from './decoding-flags.ts';

const GROUP = 'Reading comprehension:';

/** Longest texts, in tokens; the flags that `convert` has too. */
export const readingLengthFlags = {
  'max-passage-len': { type: 'number', group: GROUP, describe: 'longest passage, special tokens included' },
  'max-question-len': { type: 'number', group: GROUP, describe: 'longest question, end token included' },
  'max-answer-len': { type: 'number', group: GROUP, describe: 'longest answer, end token included' },
} as const satisfies Flags;

/** All of them. */
export const readingFlags = {
  ...readingLengthFlags,
  mode: {
    type: 'string',
    choices: ['extractive', 'generative'],
    group: GROUP,
    describe: 'seq2seq models: spans of the passages only, or anything',
  },
  'top-k': { type: 'number', group: GROUP, describe: 'seq2seq models: number of beams' },
} as const satisfies Flags;

/** The lengths that were given. */
export function readingLengths(flags: Parsed<typeof readingLengthFlags>) {
  const { maxPassageLen, maxQuestionLen, maxAnswerLen } = flags;
  return given({ maxPassageLen, maxQuestionLen, maxAnswerLen });
}

/** The flags that were given, as options of a reader. */
export function readingOptions(flags: Parsed<typeof readingFlags>): AnswerOptions {
  const mode = flags.mode === 'generative' || flags.mode === 'extractive' ? flags.mode : undefined;
  return { ...readingLengths(flags), ...given({ mode, topK: flags.topK }) };
}
