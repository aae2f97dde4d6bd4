/**
 * What a model can be asked here, and how its results are shown.
 */
import {
  createChat,
  createCloze,
  createCompleter,
  createFillMask,
  createReader,
  type Manifest,
  type Model,
} from '../../src/web.ts';
import { make, makeWord } from './elements.ts';
import { rankingPicture } from './ranking.ts';
import { type TaskName, taskNames } from './task-names.ts';
import { votesPicture } from './votes.ts';
import type { Word } from './words.ts';

/** What the user typed. */
export interface Asked {
  readonly text: string;
  readonly passages: readonly string[];
  readonly signal: AbortSignal;
  /** Where results are shown. */
  readonly output: HTMLElement;
}

/** What came of it, for those who can't see it, and for the clock. */
export interface Told {
  readonly text: string;
  /** Tokens that were written, and when the first of their text came, as `performance.now()` gives it. */
  readonly written?: { readonly tokens: number; readonly firstAt: number };
}

/** A task of the page; it lives as long as its model and, for chats, remembers the dialogue. */
export interface PageTask {
  readonly name: TaskName;
  readonly textWord: Word;
  readonly examples: readonly Example[];
  readonly hasPassages: boolean;
  /** Results are added to those before. */
  readonly isDialogue: boolean;
  run(asked: Asked): Promise<Told>;
}

/** Something to try. */
export interface Example {
  readonly text: string;
  readonly passages?: readonly string[];
}

const PASSAGES = [
  '汉查米·斯戴扎曾就读于山平大学。这位名人的资料收录于百科全书。他的伴侣是邱乡浩。',
  '奇达·塞曼麦曾就读于丰亿中学。奇达·塞曼麦曾被多次报道，他的伴侣是廖朱。',
  '胡夺的历史值得研究。胡夺的故事广为流传；他生于案学区。',
];

/** The tasks that suit a model, the likeliest first. */
export function tasksOf(model: Model): readonly PageTask[] {
  return taskNames(factsOf(model.manifest)).map(name => makers[name](model));
}

function factsOf({ attention, graphs, tasks }: Manifest) {
  const outputs = graphs.model?.outputs.map(({ name }) => name) ?? [];
  return { attention, outputs, graphs: Object.keys(graphs), settings: Object.keys(tasks) };
}

const makers: Readonly<Record<TaskName, (model: Model) => PageTask>> = {
  answer: answering,
  chat: chatting,
  complete: completing,
  fill: filling,
  cloze: choosing,
};

function answering(model: Model): PageTask {
  const maxPositions = model.manifest.dimensions.maxPositions ?? 512;
  const lengths = {
    maxPassageLen: Math.min(256, Math.floor((maxPositions * 2) / 3)),
    maxQuestionLen: Math.min(64, Math.floor(maxPositions / 6)),
    maxAnswerLen: Math.min(32, Math.floor(maxPositions / 12)),
  };
  return {
    name: 'answer',
    textWord: 'question',
    hasPassages: true,
    isDialogue: false,
    examples: [
      { text: '奇达·塞曼麦曾就读于哪所学校？', passages: PASSAGES },
      { text: '胡夺出生在哪里？', passages: PASSAGES },
      { text: '汉查米·斯戴扎的伴侣是谁？', passages: PASSAGES },
    ],
    async run({ text, passages, signal, output }) {
      const reader = await createReader(model);
      const answer = await reader.answer(text, passages, { ...lengths, signal });
      const shown =
        answer.answer === '' ? makeWord('p', 'answer', 'none') : inChinese(make('p', 'answer', answer.answer));
      output.append(shown, votesPicture(answer, passages, model));
      return { text: shown.textContent ?? '' };
    },
  };
}

function chatting(model: Model): PageTask {
  const history: string[] = [];
  return {
    name: 'chat',
    textWord: 'message',
    hasPassages: false,
    isDialogue: true,
    examples: [{ text: '我叫小明' }, { text: '我叫什么' }, { text: '你好，今天天气怎么样？' }],
    async run({ text, signal, output }) {
      // A dialogue whose turns were taken off the page begins anew.
      if (output.childElementCount === 0) history.length = 0;
      const chat = await createChat(model);
      const reply = turn('model', 'turn reply', '');
      output.append(turn('you', 'turn', text), reply);
      const body = reply.lastElementChild ?? reply;
      const { firstAt, result } = await relay(chat.stream([...history, text], { signal }), body);
      history.push(text, result.text);
      return { text: result.text, written: { tokens: result.tokenIds.length, firstAt } };
    },
  };
}

function turn(speaker: Word, className: string, text: string): HTMLElement {
  return make('div', className, makeWord('span', 'speaker', speaker), inChinese(make('p', '', text)));
}

function completing(model: Model): PageTask {
  return {
    name: 'complete',
    textWord: 'prompt',
    hasPassages: false,
    isDialogue: false,
    examples: [
      { text: '美国的首都是华盛顿\n法国的首都是巴黎\n日本的首都是' },
      { text: '井底之' },
      { text: '今天天气不错' },
    ],
    async run({ text, signal, output }) {
      const completer = await createCompleter(model);
      const shown = inChinese(make('p', 'written', ''));
      output.append(shown);
      const { firstAt, result } = await relay(completer.stream(text, { signal }), shown);
      const tokens = result.completions[0]?.tokenIds.length ?? 0;
      return { text: result.text, written: { tokens, firstAt } };
    },
  };
}

function filling(model: Model): PageTask {
  return {
    name: 'fill',
    textWord: 'masked',
    hasPassages: false,
    isDialogue: false,
    examples: [
      // The bundled reader writes answers into masks before a question; [SEP] ends them.
      { text: `${'[MASK]'.repeat(8)}汉查米·斯戴扎的伴侣是谁？汉查米·斯戴扎曾就读于山平大学。他的伴侣是邱乡浩。` },
      { text: '北京是中国的[MASK]都。' },
    ],
    async run({ text, signal, output }) {
      const { masks, text: filled } = await (await createFillMask(model)).fill(text, { topK: 3, signal });
      output.append(inChinese(make('p', 'answer', filled)));
      const pictures = masks.map((candidates, i) => {
        const ranked = candidates.map(({ token, score }) => ({ text: token, score }));
        return rankingPicture(`[MASK] ${i + 1}`, ranked);
      });
      output.append(make('div', 'pictures', ...pictures));
      return { text: filled };
    },
  };
}

function choosing(model: Model): PageTask {
  return {
    name: 'cloze',
    textWord: 'blanked',
    hasPassages: false,
    isDialogue: false,
    examples: [
      { text: '小 猴 在 树 上 吃 桃子 。\n小 兔 听见 了 ， 也 想 吃 XXXXX 。\n小 猴 把 桃子 送给 小 兔 。' },
      { text: '黑驴 到 花狗 家 做客 。\n花狗 请 XXXXX 吃饭 。\n黑驴 很 高兴 。' },
    ],
    async run({ text, signal, output }) {
      const { answer, candidates } = await (await createCloze(model)).answer(text, { signal });
      const ranked = candidates.slice(0, 5).map(({ word, score }) => ({ text: word, score }));
      output.append(inChinese(make('p', 'answer', answer)), rankingPicture('XXXXX', ranked));
      return { text: answer };
    },
  };
}

/** Adds the pieces of a text where it is shown; returns what the stream returns, and when the first piece came. */
async function relay<R>(stream: AsyncGenerator<string, R, undefined>, target: Element) {
  let firstAt = 0;
  for (;;) {
    const step = await stream.next();
    if (step.done === true) return { result: step.value, firstAt };
    if (firstAt === 0) firstAt = performance.now();
    target.append(step.value);
  }
}

/** Marks text as Chinese, whatever the page's language, so that it is read aloud rightly. */
function inChinese<E extends HTMLElement>(shown: E): E {
  shown.lang = 'zh-CN';
  return shown;
}
