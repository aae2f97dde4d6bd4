/**
 * `bert4ort fill`: what a masked language model would put where a text says `[MASK]`.
 */
import { loadModel } from '../node.ts';
import { createFillMask, type FillMask, type FillOptions } from '../tasks/fill-mask.ts';
import { notInteractive } from './chat.ts';
import { type Command, type Flags, jsonFlag, type Parsed } from './command.ts';
import { given } from './decoding-flags.ts';
import { loadOptions, runFlags } from './device-flags.ts';
import { answerLines, inputFlags, type JsonLine, LINES_AT_ONCE, textField } from './json-lines.ts';
import { isInteractive, runRepl } from './repl.ts';
import { formatTable, printResult } from './terminal.ts';

const flags = {
  ...inputFlags,
  'top-k': { type: 'number', describe: 'candidates of each mask (5)' },
  targets: { type: 'string', array: true, describe: 'only these tokens may stand at the masks' },
  ...runFlags,
  ...jsonFlag,
} as const satisfies Flags;

/** The command. */
export const fillCommand: Command<typeof flags> = {
  command: 'fill <model>',
  describe: 'Fill each [MASK] of texts',
  flags,
  examples: [
    [
      '$0 fill models/bert --input texts.jsonl',
      '{id, text, second?} → {id, text, second?, masks: [[{token, token_id, score}]]}',
    ],
  ],
  run: runFill,
};

async function runFill(options: Parsed<typeof flags>, signal: AbortSignal): Promise<number> {
  const { input, concurrency = LINES_AT_ONCE.reading, json, topK, targets } = options;
  if (input === undefined && !isInteractive()) throw notInteractive();
  const model = await loadModel(String(options['model']), { signal, ...loadOptions(options) });
  try {
    const filler = await createFillMask(model);
    const settings = given({ topK, targets });
    if (input !== undefined) {
      const answer = (item: JsonLine) => fillLine(filler, item, { ...settings, signal });
      return await answerLines({ input, concurrency, answer, signal, task: filler, json });
    }
    const handle = async (text: string, stop: AbortSignal) => {
      const { masks } = await filler.fill(text, { ...settings, signal: stop });
      const rows = masks.flatMap((mask, i) => mask.map(({ token, score }) => [i + 1, token, score.toFixed(4)]));
      printResult(formatTable(['mask', 'token', 'probability'], rows));
    };
    return await runRepl({ greeting: 'Type a text with [MASK] in it.', prompt: '> ', commands: {}, handle }, signal);
  } finally {
    await model.dispose();
  }
}

async function fillLine(filler: FillMask, item: JsonLine, options: FillOptions): Promise<object> {
  const second = item['second'] === undefined ? undefined : textField(item, 'second');
  const filled = await filler.fill(textField(item, 'text'), { ...options, second });
  const masks = filled.masks.map(mask =>
    mask.map(({ token, tokenId, score }) => ({ token, token_id: tokenId, score })),
  );
  return { text: filled.text, ...given({ second: filled.second }), masks };
}
