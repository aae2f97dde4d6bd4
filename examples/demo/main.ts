/**
 * `npm run demo`: five small trained checkpoints, in Keras HDF5 and in TensorFlow bundles, are converted; two answer
 * questions over several passages, one chats, one completes a prompt, one fills a blank. Every text is compared with what
 * bert4keras, or the TensorFlow 1.2 original, gave. No network, no Python; the temporary folder is removed at the end.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Conversion, convert } from '../../converters/index.ts';
import {
  type Answer,
  createChat,
  createCloze,
  createCompleter,
  createReader,
  directorySink,
  loadModel,
  type Model,
  splitPath,
  type Tokenizer,
  tokenizerOf,
} from '../../src/node.ts';
import { type DemoModel, demoModels, MODELS } from './models.ts';
import { seconds, votesTable } from './story.ts';

/** How many texts were compared, and how many were the reference's. */
export interface Outcome {
  readonly compared: number;
  readonly equal: number;
}

/** A line of a reader's `examples.jsonl`. */
interface Question {
  readonly id: string;
  readonly question: string;
  readonly passages: readonly string[];
}

type Say = (text: string) => void;

/** Runs the demo, telling its story to `say`. */
export async function main(say: Say): Promise<Outcome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-demo-'));
  const began = performance.now();
  const outcomes: Outcome[] = [];
  const parts = { unilm: readWithVotes, mlm: readMasks, chat: talk, gpt2: completePrompts, cloze: fillBlanks };
  try {
    for (const [name, run] of Object.entries(parts)) {
      const model = await convertAndLoad(demoModels[name as keyof typeof parts], path.join(folder, name), say);
      outcomes.push(await run(model, say).finally(() => model.dispose()));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const [compared, equal] = [sum(outcomes, 'compared'), sum(outcomes, 'equal')];
  say(`${equal} of ${compared} texts are those of the originals on TensorFlow. ${seconds(began)} in all.`);
  return { compared, equal };
}

async function convertAndLoad(demo: DemoModel, to: string, say: Say): Promise<Model> {
  say(`${demo.title}\n`);
  const from = path.join(MODELS, demo.folder);
  const began = performance.now();
  const conversion: Conversion = await convert(
    {
      checkpoint: await splitPath(path.join(from, demo.checkpoint)),
      config: await readFile(path.join(from, demo.config ?? 'config.json')),
      keywords: demo.keywords,
      ...(demo.tokenizer && demo.vocab && { tokenizer: demo.tokenizer(await readFile(path.join(from, demo.vocab))) }),
      tasks: demo.tasks,
    },
    await directorySink(to),
  );
  const { layers, hidden } = conversion.manifest.dimensions;
  say(`   converted in ${seconds(began)}: ${layers} layers, hidden ${hidden}, ${conversion.scheme}`);
  return loadModel(to);
}

/** A UniLM: the passages vote on each token of the answer. */
async function readWithVotes(model: Model, say: Say): Promise<Outcome> {
  const reader = await createReader(model);
  const questions = await readLines<Question>('qa-unilm/examples.jsonl');
  const shown = questions.find(({ id, passages }) => passages.length === 4 && !id.includes('edge'));
  if (shown !== undefined) {
    const began = performance.now();
    const answer = await reader.answer(shown.question, shown.passages);
    say(showVotes(shown, answer, tokenizerOf(model)));
    say(`   → ${answer.answer}   (${seconds(began)})\n`);
  }
  const outcomes: Outcome[] = [];
  for (const mode of ['extractive', 'generative'] as const) {
    const ask = ({ question, passages }: Question) => reader.answer(question, passages, { mode });
    outcomes.push(await compareAnswers('qa-unilm', { mode, ask, say }));
  }
  return { compared: sum(outcomes, 'compared'), equal: sum(outcomes, 'equal') };
}

/** A masked model: all tokens of an answer in one forward pass. */
async function readMasks(model: Model, say: Say): Promise<Outcome> {
  const reader = await createReader(model);
  const ask = ({ question, passages }: Question) => reader.answer(question, passages);
  return compareAnswers('qa-mlm', { mode: 'mlm', ask, say });
}

function showVotes({ question, passages }: Question, answer: Answer, tokenizer: Tokenizer): string {
  if (answer.kind !== 'seq2seq') return question;
  const rows = answer.passages.map(({ tokenId, probability, kept }, i) => ({
    passage: passages[i] ?? '',
    begins: tokenId === tokenizer.tokenEndId ? 'no answer' : tokenizer.idToToken(tokenId),
    probability,
    kept,
  }));
  return `\n   ${question}\n${votesTable(rows)}`;
}

async function compareAnswers(
  folder: string,
  { mode, ask, say }: { mode: string; ask: (question: Question) => Promise<Answer>; say: Say },
): Promise<Outcome> {
  const goldens = await readLines<{ id: string; mode: string; topk?: number; answer: string }>(
    `${folder}/goldens.jsonl`,
  );
  const ofMode = goldens.filter(golden => golden.mode === mode && (golden.topk ?? 1) === 1);
  const wanted = new Map(ofMode.map(golden => [golden.id, golden.answer]));
  const questions = await readLines<Question>(`${folder}/examples.jsonl`);
  const began = performance.now();
  // All at once: the engine puts what is asked for at the same time into one run.
  const answers = await Promise.all(questions.map(ask));
  const equal = questions.filter(({ id }, i) => wanted.get(id) === answers[i]?.answer).length;
  say(`   ${mode}: ${questions.length} questions in ${seconds(began)}, ${equal} answered as bert4keras does\n`);
  return { compared: questions.length, equal };
}

/** NEZHA as a language model: the next turn of a dialogue. */
async function talk(model: Model, say: Say): Promise<Outcome> {
  const chat = await createChat(model);
  const dialogues = await readLines<{ history: string[]; reply: string }>('chat-nezha/examples.jsonl');
  const began = performance.now();
  const replies = await Promise.all(dialogues.map(({ history }) => chat.reply(history)));
  const [first] = dialogues;
  for (const turn of first?.history ?? []) say(`   – ${turn}`);
  say(`   → ${replies[0]?.text}\n`);
  const equal = dialogues.filter(({ reply }, i) => replies[i]?.text === reply).length;
  say(`   ${dialogues.length} dialogues in ${seconds(began)}, ${equal} continued as bert4keras does\n`);
  return { compared: dialogues.length, equal };
}

/** GPT-2 with CPM's tokenizer: few-shot completion. */
async function completePrompts(model: Model, say: Say): Promise<Outcome> {
  const completer = await createCompleter(model);
  const prompts = await readLines<{ prompt: string; output: string }>('completion-gpt2/examples.jsonl');
  const began = performance.now();
  const completions = await Promise.all(prompts.map(({ prompt }) => completer.complete(prompt)));
  const [first] = prompts;
  say(`   ${first?.prompt.replaceAll('\n', ' ⏎ ')}`);
  say(`   → ${completions[0]?.text.trimEnd().split('\n').at(-1)}\n`);
  const equal = prompts.filter(({ output }, i) => completions[i]?.text === output).length;
  say(`   ${prompts.length} prompts in ${seconds(began)}, ${equal} completed as bert4keras does\n`);
  return { compared: prompts.length, equal };
}

/** A BiLSTM: which word of the document belongs into the blank. */
async function fillBlanks(model: Model, say: Say): Promise<Outcome> {
  const cloze = await createCloze(model);
  const items = await readLines<{ text: string; predicted: string }>('cloze-bilstm/examples.jsonl');
  const began = performance.now();
  const answers = await cloze.answerMany(items.map(({ text }) => text));
  const blank = items[0]?.text.split('\n').find(line => line.includes('XXXXX'));
  say(`   ${blank}`);
  const [first] = answers;
  say(
    `   → ${first?.candidates
      .slice(0, 3)
      .map(({ word, score }) => `${word} ${(100 * score).toFixed(1)} %`)
      .join(', ')}\n`,
  );
  const equal = items.filter(({ predicted }, i) => answers[i]?.answer === predicted).length;
  say(`   ${items.length} documents in ${seconds(began)}, ${equal} filled as the original does\n`);
  return { compared: items.length, equal };
}

function sum(outcomes: readonly Outcome[], key: keyof Outcome): number {
  return outcomes.reduce((all, outcome) => all + outcome[key], 0);
}

async function readLines<T>(file: string): Promise<T[]> {
  const text = await readFile(path.join(MODELS, file), 'utf8');
  const lines = text.trim().split('\n');
  return lines.map(line => JSON.parse(line) as T);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { compared, equal } = await main(console.log);
  process.exitCode = equal === compared ? 0 : 1;
}
