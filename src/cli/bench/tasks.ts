/**
 * The tasks that `bench` can measure. Another task is another entry.
 *
 * Whatever writes is held to an exact number of tokens: chats and completions by `minLen` = `maxLen`, readers by
 * withholding the end token, because a passage that says it first takes no part any more. Figures of different models
 * compare that way.
 */
import { ConfigError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest.ts';
import { tokenizerOf } from '../../model.ts';
import { normalizePassage, type ReadingComprehension } from '../../tasks/answer.ts';
import { type Chat, createChat } from '../../tasks/chat.ts';
import { BLANK, type Cloze, createCloze } from '../../tasks/cloze.ts';
import { type Completer, createCompleter } from '../../tasks/completion.ts';
import type { DecodingOptions } from '../../tasks/decoding-settings.ts';
import { createEmbedder, type Embedder } from '../../tasks/embed.ts';
import { createFillMask, type FillMask, MASK } from '../../tasks/fill-mask.ts';
import { createReader } from '../../tasks/reader.ts';
import { clozeItem } from '../cloze.ts';
import { given } from '../decoding-flags.ts';
import { textField, textListField } from '../json-lines.ts';
import { withholdToken } from './model.ts';
import { type BenchTask, defineTask, type Sizes } from './task.ts';
import { lengthOf, positionsOf, type Workload } from './workload.ts';

/** Tokens that are written unless told otherwise. */
const NEW_TOKENS = 32;

const answer = defineTask<ReadingComprehension, { readonly question: string; readonly passages: readonly string[] }>({
  flags: manifest => [
    ...(['items', 'spread', 'passages', 'passage-length', 'question-length', 'new-tokens'] as const),
    ...(generates(manifest) ? (['beams', 'cache'] as const) : []),
  ],
  writes: generates,
  sizes: readingSizes,
  open(model, strategy) {
    const { tokenEndId } = tokenizerOf(model);
    const isHeld = generates(model.manifest) && tokenEndId !== undefined;
    return createReader(isHeld ? withholdToken(model, tokenEndId) : model, strategy);
  },
  make(maker, { passages = 1, passageLength = 3, questionLength = 2 }, model) {
    const tokenizer = tokenizerOf(model);
    const encoded = (text: string) => tokenizer.encode(text).tokenIds.length;
    // A masked reader puts a passage behind the question, without its start token.
    const before = generates(model.manifest) ? 0 : 1;
    return {
      question: maker.make(questionLength, text => encoded(text) - 1),
      passages: Array.from({ length: passages }, () =>
        maker.make(maker.vary(passageLength, 3), text => encoded(normalizePassage(text)) - before),
      ),
    };
  },
  read: line => ({ question: textField(line, 'question'), passages: textListField(line, 'passages') }),
  async ask(reader, { question, passages }, { newTokens, signal }, { beams, passageLength, questionLength }) {
    const lengths = given({ maxPassageLen: passageLength, maxQuestionLen: questionLength });
    const search = beams === undefined ? {} : ({ mode: 'generative', topK: beams } as const);
    const { kind, tokenIds } = await reader.answer(question, passages, {
      ...lengths,
      ...search,
      maxAnswerLen: newTokens,
      signal,
    });
    return kind === 'seq2seq' ? tokenIds.length : 0;
  },
});

const chat = defineTask<Chat, readonly string[]>({
  flags: () => ['items', 'spread', 'text-length', 'new-tokens', 'beams', 'cache'],
  writes: () => true,
  sizes: writingSizes,
  open: (model, strategy) => createChat(model, { ...ENDLESS, ...strategy }),
  make(maker, { textLength = 4 }, model) {
    const tokenizer = tokenizerOf(model);
    return [maker.make(maker.vary(textLength, 4), text => tokenizer.encode(text).tokenIds.length)];
  },
  read: line => textListField(line, 'history'),
  async ask(task, history, { newTokens, signal }, { beams = 1 }) {
    const { tokenIds } = await task.reply(history, { ...searchOf(beams, newTokens), signal });
    return tokenIds.length;
  },
});

const complete = defineTask<Completer, string>({
  flags: () => ['items', 'spread', 'text-length', 'new-tokens', 'beams', 'cache'],
  writes: () => true,
  sizes: writingSizes,
  open: (model, strategy) => createCompleter(model, { ...ENDLESS, ...strategy }),
  make(maker, { textLength = 4 }, model) {
    const tokenizer = tokenizerOf(model);
    return maker.make(maker.vary(textLength, 4), text => tokenizer.encode(text).tokenIds.length);
  },
  read: line => textField(line, 'prompt'),
  async ask(task, prompt, { newTokens, signal }, { beams = 1 }) {
    const { completions } = await task.complete(prompt, { ...searchOf(beams, newTokens), signal });
    return completions[0]?.tokenIds.length ?? 0;
  },
});

const cloze = defineTask<Cloze, ReturnType<typeof clozeItem>>({
  flags: () => ['items', 'spread', 'text-length'],
  writes: () => false,
  sizes: textSizes,
  open: model => createCloze(model),
  make(maker, { textLength = 4 }, model) {
    const tokenizer = tokenizerOf(model);
    const words = (text: string) => tokenizer.tokenize(text).length;
    return aroundMiddle(maker.vary(textLength, 4), length => maker.make(length, words), ` ${BLANK} `);
  },
  read: clozeItem,
  async ask(task, item, { signal }) {
    await task.answer(item, { signal });
    return 0;
  },
});

const fill = defineTask<FillMask, { readonly text: string; readonly second: string | undefined }>({
  flags: () => ['items', 'spread', 'text-length'],
  writes: () => false,
  sizes: textSizes,
  open: model => createFillMask(model),
  make(maker, { textLength = 4 }, model) {
    const tokenizer = tokenizerOf(model);
    const encoded = (text: string) => tokenizer.encode(text).tokenIds.length;
    const special = encoded('');
    const part = (length: number) => maker.make(length + special, encoded);
    return { text: aroundMiddle(maker.vary(textLength, 4) - special - 1, part, MASK), second: undefined };
  },
  read: line => ({
    text: textField(line, 'text'),
    second: line['second'] === undefined ? undefined : textField(line, 'second'),
  }),
  async ask(task, { text, second }, { signal }) {
    await task.fill(text, { second, signal });
    return 0;
  },
});

const embed = defineTask<Embedder, string>({
  flags: () => ['items', 'spread', 'text-length'],
  writes: () => false,
  sizes: textSizes,
  async open(model) {
    const { manifest } = model;
    const graph = manifest.graphs.encoder ?? manifest.graphs.model;
    if (graph?.outputs.some(port => port.name === 'last_hidden_state')) return createEmbedder(model);
    throw new ConfigError({ what: 'model', expected: 'one with hidden states', found: manifest.architecture });
  },
  make(maker, { textLength = 4 }, model) {
    const tokenizer = tokenizerOf(model);
    return maker.make(maker.vary(textLength, 4), text => tokenizer.encode(text).tokenIds.length);
  },
  read: line => textField(line, 'text'),
  async ask(task, text, { signal }) {
    await task.embed([text], { signal });
    return 0;
  },
});

/** Name of the command → task. */
export const BENCH_TASKS: Readonly<Record<string, BenchTask>> = { answer, chat, complete, cloze, fill, embed };

/** Lengths are exact, so any end token does; some models are converted without one. */
const ENDLESS: DecodingOptions = { strategy: 'greedy', endId: 0 };

function searchOf(beams: number, newTokens: number): DecodingOptions {
  const lengths = { endId: 0, minLen: newTokens, maxLen: newTokens };
  return beams === 1 ? { strategy: 'greedy', ...lengths } : { strategy: 'bert4keras-beam', topK: beams, ...lengths };
}

/** As `createReader` chooses. */
function generates({ attention }: Manifest): boolean {
  return attention.visibility !== 'padding';
}

function readingSizes(manifest: Manifest, workload: Workload): Sizes {
  const { input, passages = 10, beams = 1 } = workload;
  const settings = manifest.tasks['answer'] ?? {};
  const setting = (name: string, otherwise: number) => Number(settings[name] ?? otherwise);
  const newTokens = workload.newTokens ?? setting('maxAnswerLen', NEW_TOKENS);
  const written = { newTokens, ...(generates(manifest) ? { beams } : {}) };
  if (input !== undefined) return written;
  // The last token that is written is never read; masks stand between two special tokens.
  const room = positionsOf(manifest) - newTokens + (generates(manifest) ? 1 : -2);
  const questionLength = lengthOf({
    flag: 'question-length',
    given: workload.questionLength,
    wanted: setting('maxQuestionLen', 64),
    room,
  });
  const passageLength = lengthOf({
    flag: 'passage-length',
    given: workload.passageLength,
    wanted: setting('maxPassageLen', 256),
    room: room - questionLength,
  });
  return { passages, passageLength, questionLength, ...written };
}

function writingSizes(manifest: Manifest, workload: Workload): Sizes {
  const { newTokens = NEW_TOKENS, beams = 1 } = workload;
  return { ...textSizes(manifest, workload, positionsOf(manifest) - newTokens + 1), newTokens, beams };
}

function textSizes(manifest: Manifest, { input, textLength }: Workload, room = positionsOf(manifest)): Sizes {
  if (input !== undefined) return {};
  return { textLength: lengthOf({ flag: 'text-length', given: textLength, wanted: 128, room }) };
}

/** Two halves with something between them; `length` is that of both. */
function aroundMiddle(length: number, make: (length: number) => string, middle: string): string {
  const left = Math.floor(length / 2);
  return `${make(left)}${middle}${make(length - left)}`;
}
