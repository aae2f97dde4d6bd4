/**
 * `bert4ort chat`: the next turn of dialogues, from JSON Lines, or a conversation in the terminal.
 */
import { loadModel } from '../node.ts';
import { type Chat, type ChatOptions, createChat } from '../tasks/chat.ts';
import { cacheFlag, cacheOption, noticeStrategy } from './cache-flag.ts';
import { type Command, type Flags, jsonFlag, MisuseError, type Parsed } from './command.ts';
import { decodingFlags, decodingOptions } from './decoding-flags.ts';
import { loadOptions, runFlags } from './device-flags.ts';
import { answerLines, inputFlags, type JsonLine, LINES_AT_ONCE, textListField } from './json-lines.ts';
import { isInteractive, type Repl, runRepl } from './repl.ts';

const flags = { ...inputFlags, ...decodingFlags, ...runFlags, ...cacheFlag, ...jsonFlag } as const satisfies Flags;

/** The command. */
export const chatCommand: Command<typeof flags> = {
  command: 'chat <model>',
  describe: 'Write the next turn of dialogues, or talk in the terminal',
  flags,
  examples: [
    ['$0 chat models/chat', 'talk; /reset forgets, Ctrl-C stops a reply'],
    [
      '$0 chat models/chat --input turns.jsonl --strategy greedy',
      '{id, history: [oldest … newest]} → {id, reply, token_ids}',
    ],
  ],
  run: runChat,
};

async function runChat(options: Parsed<typeof flags>, signal: AbortSignal): Promise<number> {
  const { input, concurrency = LINES_AT_ONCE.generating, json } = options;
  if (input === undefined && !isInteractive()) throw notInteractive();
  const model = await loadModel(String(options['model']), { signal, ...loadOptions(options) });
  try {
    const chat = await createChat(model, cacheOption(options));
    noticeStrategy(chat, json);
    const decoding = decodingOptions(options);
    if (input === undefined) return await runRepl(chatRepl(chat, decoding), signal);
    const answer = (item: JsonLine) => replyLine(chat, textListField(item, 'history'), { ...decoding, signal });
    return await answerLines({ input, concurrency, answer, signal, task: chat, json });
  } finally {
    await model.dispose();
  }
}

async function replyLine(chat: Chat, history: readonly string[], options: ChatOptions): Promise<object> {
  const { text, tokenIds, replies, seed } = await chat.reply(history, options);
  const all = replies.map(reply => ({ text: reply.text, token_ids: reply.tokenIds }));
  return {
    reply: text,
    token_ids: tokenIds,
    ...(replies.length > 1 ? { replies: all } : {}),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** A conversation that is remembered until `/reset`; a reply that was stopped is not part of it. */
export function chatRepl(
  chat: Chat,
  decoding: ChatOptions,
  write: (text: string) => void = text => process.stdout.write(text),
): Repl {
  let history: string[] = [];
  return {
    greeting: 'Say something. /reset forgets the conversation, Ctrl-C stops a reply, /quit leaves.',
    prompt: '> ',
    commands: {
      reset: {
        describe: 'forget the conversation',
        run: () => {
          history = [];
          return '(forgotten)';
        },
      },
    },
    async handle(line, signal) {
      const turns = [...history, line];
      let reply = '';
      try {
        for await (const piece of chat.stream(turns, { ...decoding, signal })) {
          write(piece);
          reply += piece;
        }
      } finally {
        write('\n');
      }
      history = [...turns, reply];
    },
  };
}

/** What is missing when a command would be interactive but nobody sits in front of it. */
export function notInteractive(): MisuseError {
  return new MisuseError({
    what: 'input',
    expected: '--input FILE (- for standard input), or a terminal',
    found: 'neither',
  });
}
