/**
 * What a model can be asked here, and how its results are shown.
 */
import {
  type Answer,
  createChat,
  createCloze,
  createCompleter,
  createFillMask,
  createReader,
  type Model,
  tokenizerOf,
} from '../../src/web.ts';
import type { Word } from './words.ts';

/** What the user typed. */
export interface Asked {
  readonly text: string;
  readonly passages: readonly string[];
  readonly signal: AbortSignal;
}

/** Shows results. */
export interface Stage {
  /** Adds an element of this class with this text; the element is returned, so that text can be added. */
  show(className: string, text: string): HTMLElement;
  say(word: Word): string;
}

/** A task of the page. */
export interface PageTask {
  readonly name: Word;
  readonly textWord: Word;
  readonly hasPassages: boolean;
  readonly example: string;
  readonly passages?: string;
  run(asked: Asked, stage: Stage): Promise<void>;
}

const QUESTION = '奇达·塞曼麦曾就读于哪所学校？';
const PASSAGES = [
  '汉查米·斯戴扎曾就读于山平大学。这位名人的资料收录于百科全书。他的伴侣是邱乡浩。',
  '奇达·塞曼麦曾就读于丰亿中学。奇达·塞曼麦曾被多次报道，他的伴侣是廖朱。',
  '胡夺的历史值得研究。胡夺的故事广为流传；他生于案学区。',
].join('\n');

/** The tasks that suit a model, the likeliest first. */
export function tasksOf(model: Model): readonly PageTask[] {
  const { attention, graphs, tasks } = model.manifest;
  if (graphs.model?.outputs.some(port => port.name === 'probabilities')) return [choosing(model)];
  if (attention.visibility === 'padding') return [answering(model), filling(model)];
  if (attention.visibility === 'prefix') return [answering(model), completing(model)];
  return tasks['chat'] === undefined ? [completing(model)] : [chatting(model), completing(model)];
}

function answering(model: Model): PageTask {
  return {
    name: 'answer',
    textWord: 'question',
    hasPassages: true,
    example: QUESTION,
    passages: PASSAGES,
    async run({ text, passages, signal }, stage) {
      const reader = await createReader(model);
      const maxPositions = model.manifest.dimensions.maxPositions ?? 512;
      const maxPassageLen = Math.min(256, Math.floor((maxPositions * 2) / 3));
      const maxQuestionLen = Math.min(64, Math.floor(maxPositions / 6));
      const maxAnswerLen = Math.min(32, Math.floor(maxPositions / 12));
      const answer = await reader.answer(text, passages, { maxPassageLen, maxQuestionLen, maxAnswerLen, signal });
      stage.show('answer', answer.answer === '' ? stage.say('none') : answer.answer);
      showVotes(answer, model, stage);
    },
  };
}

/** One bar for each passage: how sure it is of the first token it would say, and which. */
function showVotes(answer: Answer, model: Model, stage: Stage): void {
  const tokenizer = tokenizerOf(model);
  const list = stage.show('votes', '');
  list.setAttribute('role', 'list');
  list.setAttribute('aria-label', stage.say('votes'));
  const votes =
    answer.kind === 'seq2seq'
      ? answer.passages.map(({ tokenId, probability, kept }) => ({
          says: tokenizer.decode([tokenId]),
          probability,
          kept,
        }))
      : answer.passages.map(one => ({ says: one.answer, probability: one.score, kept: one.answer !== '' }));
  votes.forEach(({ says, probability, kept }, i) => {
    const row = document.createElement('div');
    row.className = kept ? 'vote' : 'vote dropped';
    row.setAttribute('role', 'listitem');
    const number = document.createElement('span');
    number.textContent = `${i + 1}`;
    const bar = document.createElement('span');
    bar.className = 'bar';
    const filled = document.createElement('span');
    filled.style.width = `${probability * 100}%`;
    bar.append(filled);
    const label = document.createElement('span');
    label.textContent = `${kept ? says : stage.say('dropped')} ${(probability * 100).toFixed(0)} %`;
    row.append(number, bar, label);
    list.append(row);
  });
}

function chatting(model: Model): PageTask {
  const history: string[] = [];
  return {
    name: 'chat',
    textWord: 'message',
    hasPassages: false,
    example: '你好，今天天气怎么样？',
    async run({ text, signal }, stage) {
      const chat = await createChat(model);
      stage.show('turn', text);
      const reply = stage.show('turn reply', '');
      for await (const piece of chat.stream([...history, text], { signal })) reply.append(piece);
      history.push(text, reply.textContent ?? '');
    },
  };
}

function completing(model: Model): PageTask {
  return {
    name: 'complete',
    textWord: 'prompt',
    hasPassages: false,
    example: '美国的首都是华盛顿\n法国的首都是巴黎\n日本的首都是',
    async run({ text, signal }, stage) {
      const completer = await createCompleter(model);
      const output = stage.show('answer', '');
      for await (const piece of completer.stream(text, { signal })) output.append(piece);
    },
  };
}

function filling(model: Model): PageTask {
  return {
    name: 'fill',
    textWord: 'masked',
    hasPassages: false,
    example: '奇达·塞曼麦曾就读于丰亿中[MASK]。',
    async run({ text, signal }, stage) {
      const { masks, text: filled } = await (await createFillMask(model)).fill(text, { signal });
      stage.show('answer', filled);
      for (const candidates of masks) {
        const shown = candidates.map(({ token, score }) => `${token} ${(score * 100).toFixed(1)} %`);
        stage.show('turn', shown.join('   '));
      }
    },
  };
}

function choosing(model: Model): PageTask {
  return {
    name: 'cloze',
    textWord: 'blanked',
    hasPassages: false,
    example: '小 猴 在 树 上 吃 桃子 。\n小 兔 听见 了 ， 也 想 吃 XXXXX 。\n小 猴 把 桃子 送给 小 兔 。',
    async run({ text, signal }, stage) {
      const { answer, candidates } = await (await createCloze(model)).answer(text, { signal });
      stage.show('answer', answer);
      const shown = candidates.slice(0, 5).map(({ word, score }) => `${word} ${(score * 100).toFixed(1)} %`);
      stage.show('turn', shown.join('   '));
    },
  };
}
