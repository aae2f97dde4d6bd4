/**
 * `bert4ort complete`: writes on from prompts, from JSON Lines or in the terminal.
 */
import { loadModel } from '../node.ts';
import { type Completer, type CompletionOptions, createCompleter } from '../tasks/completion.ts';
import { cacheFlag, cacheOption, noticeStrategy } from './cache-flag.ts';
import { notInteractive } from './chat.ts';
import { type Command, type Flags, jsonFlag, type Parsed } from './command.ts';
import { decodingFlags, decodingOptions, startFlags, startOptions } from './decoding-flags.ts';
import { loadOptions, runFlags } from './device-flags.ts';
import { answerLines, inputFlags, type JsonLine, LINES_AT_ONCE, textField } from './json-lines.ts';
import { isInteractive, type Repl, runRepl } from './repl.ts';

const flags = {
  ...inputFlags,
  ...decodingFlags,
  ...startFlags,
  ...runFlags,
  ...cacheFlag,
  ...jsonFlag,
} as const satisfies Flags;

/** The command. */
export const completeCommand: Command<typeof flags> = {
  command: 'complete <model>',
  describe: 'Write on from prompts, or from a source what a model with an encoder makes of it',
  flags,
  examples: [
    ['$0 complete models/gpt2', 'one prompt a line; \\n in it is a line break'],
    ['$0 complete models/gpt2 --input prompts.jsonl --n 3', '{id, prompt} → {id, completions: [{text, token_ids}]}'],
  ],
  run: runComplete,
};

async function runComplete(options: Parsed<typeof flags>, signal: AbortSignal): Promise<number> {
  const { input, concurrency = LINES_AT_ONCE.generating, json } = options;
  if (input === undefined && !isInteractive()) throw notInteractive();
  const model = await loadModel(String(options['model']), { signal, ...loadOptions(options) });
  try {
    const completer = await createCompleter(model, { ...startOptions(options), ...cacheOption(options) });
    noticeStrategy(completer, json);
    const decoding = decodingOptions(options);
    if (input === undefined) return await runRepl(completionRepl(completer, decoding), signal);
    const answer = (item: JsonLine) => completeLine(completer, textField(item, 'prompt'), { ...decoding, signal });
    return await answerLines({ input, concurrency, answer, signal, task: completer, json });
  } finally {
    await model.dispose();
  }
}

async function completeLine(completer: Completer, prompt: string, options: CompletionOptions): Promise<object> {
  const { completions, seed } = await completer.complete(prompt, options);
  return {
    completions: completions.map(({ text, tokenIds }) => ({ text, token_ids: tokenIds })),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** One prompt a line; nothing is remembered. */
export function completionRepl(
  completer: Completer,
  decoding: CompletionOptions,
  write: (text: string) => void = text => process.stdout.write(text),
): Repl {
  return {
    greeting: 'Type a prompt; \\n stands for a line break. Ctrl-C stops, /quit leaves.',
    prompt: '> ',
    commands: {},
    async handle(line, signal) {
      try {
        for await (const piece of completer.stream(line.replaceAll('\\n', '\n'), { ...decoding, signal })) write(piece);
      } finally {
        write('\n');
      }
    },
  };
}
