/**
 * The extension's page: the selected text, a question, and the answer marked in the text.
 */
import { chrome } from './extension-api.ts';
import { type Question, type Reply, SELECTION } from './messages.ts';

const form = document.querySelector('form');
const text = document.querySelector('textarea');
const question = document.querySelector('input');
const button = document.querySelector('button');

form?.addEventListener('submit', event => {
  event.preventDefault();
  ask();
});
start();

async function start(): Promise<void> {
  const { [SELECTION]: selection } = await chrome.storage.session.get(SELECTION);
  if (text !== null && typeof selection === 'string') text.value = selection;
  question?.focus();
}

async function ask(): Promise<void> {
  const asked: Question = { question: question?.value ?? '', text: text?.value ?? '' };
  if (button !== null) button.disabled = true;
  show('answer', '…');
  show('source');
  show('time');
  try {
    const reply = (await chrome.runtime.sendMessage(asked)) as Reply;
    if ('error' in reply) {
      show('answer', reply.error);
      return;
    }
    show('answer', reply.answer === '' ? '没有答案 · No answer' : reply.answer);
    show('source', ...marked(asked.text, reply.spans));
    show('time', `${reply.milliseconds.toFixed(0)} ms`);
  } finally {
    if (button !== null) button.disabled = false;
  }
}

/** The text with the answer marked where it stands. */
function marked(whole: string, spans: readonly { readonly start: number; readonly end: number }[]): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let done = 0;
  for (const { start, end } of spans.filter((span, i) => i === 0 || span.start >= (spans[i - 1]?.end ?? 0))) {
    const mark = document.createElement('mark');
    mark.textContent = whole.slice(start, end);
    parts.push(whole.slice(done, start), mark);
    done = end;
  }
  return [...parts, whole.slice(done)];
}

function show(id: string, ...content: readonly (Node | string)[]): void {
  document.getElementById(id)?.replaceChildren(...content);
}
