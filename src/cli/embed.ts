/**
 * `bert4ort embed`: texts as vectors.
 */
import { loadModel } from '../node.ts';
import { createEmbedder, type EmbedOptions } from '../tasks/embed.ts';
import { notInteractive } from './chat.ts';
import { type Command, type Flags, jsonFlag, type Parsed } from './command.ts';
import { given } from './decoding-flags.ts';
import { loadOptions, runFlags } from './device-flags.ts';
import { answerLines, inputFlags, type JsonLine, LINES_AT_ONCE, textField } from './json-lines.ts';
import { isInteractive, runRepl } from './repl.ts';
import { printResult } from './terminal.ts';

const flags = {
  ...inputFlags,
  pooling: { type: 'string', choices: ['cls', 'mean', 'pooler'], describe: 'which vector stands for the text (cls)' },
  normalize: { type: 'boolean', describe: 'scale vectors to length 1' },
  'max-len': { type: 'number', describe: 'longest text, in tokens' },
  ...runFlags,
  ...jsonFlag,
} as const satisfies Flags;

/** The command. */
export const embedCommand: Command<typeof flags> = {
  command: 'embed <model>',
  describe: 'Turn texts into vectors',
  flags,
  examples: [['$0 embed models/bert --input texts.jsonl --pooling mean --normalize', '{id, text} → {id, embedding}']],
  run: runEmbed,
};

async function runEmbed(options: Parsed<typeof flags>, signal: AbortSignal): Promise<number> {
  const { input, concurrency = LINES_AT_ONCE.reading, json } = options;
  if (input === undefined && !isInteractive()) throw notInteractive();
  const model = await loadModel(String(options['model']), { signal, ...loadOptions(options) });
  try {
    const embedder = await createEmbedder(model);
    const embedLine = async (text: string, stop: AbortSignal) => {
      const { vectors } = await embedder.embed([text], { ...embedOptions(options), signal: stop });
      return { embedding: Array.from(vectors[0] ?? []) };
    };
    if (input !== undefined) {
      const answer = (item: JsonLine) => embedLine(textField(item, 'text'), signal);
      return await answerLines({ input, concurrency, answer, signal, task: embedder, json });
    }
    const handle = async (text: string, stop: AbortSignal) => printResult(JSON.stringify(await embedLine(text, stop)));
    return await runRepl({ greeting: 'Type a text.', prompt: '> ', commands: {}, handle }, signal);
  } finally {
    await model.dispose();
  }
}

function embedOptions({ pooling, normalize, maxLen }: Parsed<typeof flags>): EmbedOptions {
  const known = pooling === 'cls' || pooling === 'mean' || pooling === 'pooler' ? pooling : undefined;
  return given({ pooling: known, normalize, maxLen });
}
