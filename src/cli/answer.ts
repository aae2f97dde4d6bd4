/**
 * `bert4ort answer`: reading comprehension over passages, from JSON Lines or in the terminal; with truths beside the
 * questions it reports exact match and F1.
 */
import { loadModel } from '../node.ts';
import type { AnswerOptions, ReadingComprehension } from '../tasks/answer.ts';
import { type AnswerMetric, type AnswerScore, averageScores, scoreAnswer } from '../tasks/evaluation/answer-metrics.ts';
import { createReader } from '../tasks/reader.ts';
import { cacheFlag, cacheOption, noticeStrategy } from './cache-flag.ts';
import { notInteractive } from './chat.ts';
import { type Command, type Flags, jsonFlag, MisuseError, type Parsed } from './command.ts';
import { loadOptions, runFlags } from './device-flags.ts';
import { answerLines, inputFlags, type JsonLine, LINES_AT_ONCE, textField, textListField } from './json-lines.ts';
import { readingFlags, readingOptions } from './reading-flags.ts';
import { isInteractive, type Repl, runRepl } from './repl.ts';
import { printNotice } from './terminal.ts';
import { truthsInFile, truthsInItems } from './truths.ts';

const flags = {
  ...inputFlags,
  ...readingFlags,
  truth: {
    type: 'string',
    describe:
      'score answers: exact match and F1 against the field "truth" (a text or a list), or a FILE of {id, answers}',
  },
  metric: {
    type: 'string',
    choices: ['cmrc', 'webqa'],
    describe: 'whose evaluation script sets the rules (cmrc); implies --truth',
  },
  ...runFlags,
  ...cacheFlag,
  ...jsonFlag,
} as const satisfies Flags;

type Options = Parsed<typeof flags>;

/** The command. */
export const answerCommand: Command<typeof flags> = {
  command: 'answer <model>',
  describe: 'Answer questions over passages',
  flags,
  examples: [
    ['$0 answer models/qa', 'add passages with /passage, then ask'],
    ['$0 answer models/qa --input questions.jsonl', '{id, question, passages} → {id, answer, token_ids, score, …}'],
    ['$0 answer models/qa --input dev.jsonl --truth', 'and exact match and F1 on standard error'],
    ['$0 answer models/qa --input dev.jsonl --truth answers.jsonl', 'the same, truths apart: {id, answers}'],
  ],
  run: runAnswer,
};

async function runAnswer(options: Options, signal: AbortSignal): Promise<number> {
  const { input, json } = options;
  if (input === undefined && !isInteractive()) throw notInteractive();
  const metric = metricOf(options);
  if (input === undefined && metric !== undefined) {
    throw new MisuseError({ what: '--truth', expected: '--input FILE with questions', found: 'no input' });
  }
  const model = await loadModel(String(options['model']), { signal, ...loadOptions(options) });
  try {
    const generates = model.manifest.attention.visibility !== 'padding';
    // Given to a masked model, the flag is refused there.
    const reader = await createReader(model, generates ? cacheOption(options) : { cache: options.cache });
    noticeStrategy(reader, json);
    const reading = readingOptions(options);
    if (input === undefined) return await runRepl(answerRepl(reader, reading), signal);
    const truthsOf = options.truth ? await truthsInFile(options.truth) : truthsInItems;
    const scores: AnswerScore[] = [];
    const answer = async (item: JsonLine) => {
      const result = await answerLine(reader, item, { ...reading, signal });
      if (metric === undefined) return result;
      const score = scoreAnswer(result.answer, truthsOf(item), metric);
      scores.push(score);
      return { ...result, exact_match: score.exactMatch, f1: score.f1 };
    };
    const concurrency = options.concurrency ?? (generates ? LINES_AT_ONCE.generating : LINES_AT_ONCE.reading);
    const code = await answerLines({ input, concurrency, answer, signal, task: reader, json });
    if (metric !== undefined) reportScores(metric, scores, json);
    return code;
  } finally {
    await model.dispose();
  }
}

/** Whose rules are asked for, if any; a bare `--truth` is an empty text. */
function metricOf({ truth, metric }: Options): AnswerMetric | undefined {
  if (metric === undefined) return truth === undefined ? undefined : 'cmrc';
  return metric === 'webqa' ? 'webqa' : 'cmrc';
}

async function answerLine(reader: ReadingComprehension, item: JsonLine, options: AnswerOptions) {
  const { answer, tokenIds, score, spans } = await reader.answer(
    textField(item, 'question'),
    textListField(item, 'passages'),
    options,
  );
  return { answer, token_ids: tokenIds, score, spans };
}

function reportScores(metric: string, scores: readonly AnswerScore[], json: boolean): void {
  const { exactMatch, f1, count } = averageScores(scores);
  const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
  printNotice(
    json
      ? JSON.stringify({ metric, count, exact_match: exactMatch, f1 })
      : `${metric}: exact match ${percent(exactMatch)}, F1 ${percent(f1)} over ${count} answers`,
  );
}

/** Questions over passages that are added as one goes. */
export function answerRepl(
  reader: ReadingComprehension,
  options: AnswerOptions,
  write: (text: string) => void = text => process.stdout.write(text),
): Repl {
  let passages: string[] = [];
  return {
    greeting: 'Add passages with /passage TEXT, then ask. /reset forgets the passages, /quit leaves.',
    prompt: '> ',
    commands: {
      passage: {
        describe: 'add a passage',
        run: text => {
          passages.push(text);
          return `(${passages.length} passages)`;
        },
      },
      reset: {
        describe: 'forget the passages',
        run: () => {
          passages = [];
          return '(forgotten)';
        },
      },
    },
    async handle(question, signal) {
      const { answer } = await reader.answer(question, passages, { ...options, signal });
      write(`${answer === '' ? '(no answer)' : answer}\n`);
    },
  };
}
