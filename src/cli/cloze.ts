/**
 * `bert4ort cloze`: which word belongs into the blank XXXXX, from JSON Lines or in the terminal; with truths beside the
 * texts it reports accuracy.
 */
import { InputError } from '../core/errors.ts';
import { loadModel, openJieba } from '../node.ts';
import { type Cloze, type ClozeItem, type ClozeOptions, createCloze } from '../tasks/cloze.ts';
import { notInteractive } from './chat.ts';
import { type Command, type Flags, jsonFlag, MisuseError, type Parsed } from './command.ts';
import { loadOptions, runFlags } from './device-flags.ts';
import { answerLines, inputFlags, type JsonLine, LINES_AT_ONCE, textField } from './json-lines.ts';
import { isInteractive, runRepl } from './repl.ts';
import { formatTable, printNotice, printResult } from './terminal.ts';

const flags = {
  ...inputFlags,
  'top-k': { type: 'number', describe: 'most candidates to give (all; 5 in the terminal)' },
  cut: {
    type: 'string',
    choices: ['jieba'],
    describe: 'cut raw text into words; without it words stand between blanks',
  },
  truth: {
    type: 'boolean',
    default: false,
    describe: 'compare with the field "truth" (or "answer") and report accuracy',
  },
  ...runFlags,
  ...jsonFlag,
} as const satisfies Flags;

type Options = Parsed<typeof flags>;

/** The command. */
export const clozeCommand: Command<typeof flags> = {
  command: 'cloze <model>',
  describe: 'Choose the word for the blank XXXXX of a document',
  flags,
  examples: [
    ['$0 cloze models/cloze --input items.jsonl', '{id, text} or {id, document, query} → {id, answer, candidates}'],
    ['$0 cloze models/cloze --cut jieba', 'raw text, typed'],
  ],
  run: runCloze,
};

async function runCloze(options: Options, signal: AbortSignal): Promise<number> {
  const { input, concurrency = LINES_AT_ONCE.reading, json } = options;
  if (input === undefined && !isInteractive()) throw notInteractive();
  if (input === undefined && options.truth) {
    throw new MisuseError({ what: '--truth', expected: '--input FILE with a field "truth"', found: 'no input' });
  }
  const model = await loadModel(String(options['model']), { signal, ...loadOptions(options) });
  try {
    const cloze = await createCloze(model);
    const jieba = options.cut === undefined ? undefined : await openJieba();
    const settings: ClozeOptions = jieba === undefined ? {} : { cut: text => jieba.cut(text) };
    if (input === undefined) return await interact(cloze, settings, options.topK ?? 5, signal);
    let right = 0;
    let count = 0;
    const answer = async (item: JsonLine) => {
      const truth = options.truth ? textField(item, item['truth'] === undefined ? 'answer' : 'truth') : undefined;
      const result = await clozeLine(cloze, item, options.topK, { ...settings, signal });
      if (truth === undefined) return result;
      count++;
      const correct = result.answer === truth;
      if (correct) right++;
      return { ...result, correct };
    };
    const code = await answerLines({ input, concurrency, answer, signal, task: cloze, json });
    if (options.truth) printNotice(`accuracy ${((100 * right) / Math.max(1, count)).toFixed(2)} % of ${count}`);
    return code;
  } finally {
    await model.dispose();
  }
}

async function clozeLine(cloze: Cloze, item: JsonLine, topK: number | undefined, options: ClozeOptions) {
  const { answer, candidates } = await cloze.answer(clozeItem(item), options);
  return { answer, candidates: candidates.slice(0, topK) };
}

/** The item of a line: `text`, or `document` and `query`. @throws InputError for missing fields, and for both. */
export function clozeItem(item: JsonLine): ClozeItem {
  if (item['text'] !== undefined && item['document'] === undefined) return textField(item, 'text');
  if (item['text'] === undefined) return { document: textField(item, 'document'), query: textField(item, 'query') };
  throw new InputError({ what: 'item', expected: 'either "text", or "document" and "query"', found: 'both' });
}

function interact(cloze: Cloze, settings: ClozeOptions, topK: number, signal: AbortSignal): Promise<number> {
  const handle = async (text: string, stop: AbortSignal) => {
    const { candidates } = await cloze.answer(text, { ...settings, signal: stop });
    const rows = candidates.slice(0, topK).map(({ word, score }) => [word, score.toFixed(4)]);
    printResult(formatTable(['word', 'probability'], rows));
  };
  return runRepl(
    {
      greeting: 'Type a text with XXXXX for the blank; words stand between blanks, or --cut jieba cuts them.',
      prompt: '> ',
      commands: {},
      handle,
    },
    signal,
  );
}
