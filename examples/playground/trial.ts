/**
 * The third step: the model that is open is asked, chatted with, or let write.
 */
import type { WebModel } from '../../src/web.ts';
import { announce, element, make, makeWord, moveTo, showError } from './elements.ts';
import { say, setWord } from './language.ts';
import { showMeasures } from './measures.ts';
import { type Example, type PageTask, tasksOf } from './tasks.ts';

const page = {
  tasks: element('tasks', HTMLElement),
  form: element('form', HTMLFormElement),
  text: element('text', HTMLTextAreaElement),
  passages: element('passages', HTMLTextAreaElement),
  run: element('run', HTMLButtonElement),
  stop: element('stop', HTMLButtonElement),
  restart: element('restart', HTMLButtonElement),
  output: element('output', HTMLElement),
  error: element('try-error', HTMLElement),
  measures: element('measures', HTMLElement),
};

/** The third step. */
export interface Trial {
  /** Offers the tasks of a model; the one before is no longer used. */
  open(model: WebModel): void;
  /** Stops what runs and takes the step away. */
  close(): void;
}

/** Starts the step. */
export function startTrial(): Trial {
  let model: WebModel | undefined;
  let task: PageTask | undefined;
  let running: AbortController | undefined;

  const choose = (next: PageTask): void => {
    running?.abort();
    task = next;
    showTask(next);
  };
  const run = async (): Promise<void> => {
    if (task === undefined || model === undefined || running !== undefined) return;
    running = new AbortController();
    await runTask(model, task, running.signal);
    running = undefined;
  };

  page.form.addEventListener('submit', event => {
    event.preventDefault();
    run();
  });
  page.text.addEventListener('keydown', event => {
    // Enter while an input method is composing chooses its characters.
    if (event.key !== 'Enter' || event.isComposing || event.shiftKey) return;
    if (!event.ctrlKey && !event.metaKey && task?.isDialogue !== true) return;
    event.preventDefault();
    page.form.requestSubmit();
  });
  page.stop.addEventListener('click', () => running?.abort());
  page.restart.addEventListener('click', () => {
    running?.abort();
    if (task !== undefined) showTask(task);
    page.text.focus();
  });

  return {
    open(next) {
      model = next;
      const tasks = tasksOf(next);
      page.tasks.replaceChildren(...tasks.map((one, i) => segment(one, i === 0, () => choose(one))));
      const [first] = tasks;
      element('trial', HTMLElement).hidden = false;
      element('empty', HTMLElement).hidden = true;
      page.form.hidden = first === undefined;
      if (first !== undefined) choose(first);
      else page.output.replaceChildren(makeWord('p', '', 'noTask'));
      announce(say('ready'));
      moveTo(element('try-title', HTMLElement));
    },
    close() {
      running?.abort();
      model = undefined;
      element('trial', HTMLElement).hidden = true;
      element('empty', HTMLElement).hidden = false;
    },
  };
}

/** A radio button of the row of tasks. */
function segment({ name }: PageTask, checked: boolean, choose: () => void): HTMLElement {
  const input = make('input', '');
  input.type = 'radio';
  input.name = 'task';
  input.value = name;
  input.checked = checked;
  input.addEventListener('change', choose);
  return make('label', '', input, makeWord('span', '', name));
}

function showTask(task: PageTask): void {
  setWord(element('text-word', HTMLElement), task.textWord);
  element('passages-label', HTMLElement).hidden = !task.hasPassages;
  const chips = task.examples.map(example => {
    const [first = ''] = example.text.split('\n');
    const chip = make('button', 'chip', example.text === first ? first : `${first} …`);
    chip.type = 'button';
    chip.lang = 'zh-CN';
    chip.addEventListener('click', () => fillIn(example));
    return chip;
  });
  element('examples', HTMLElement).replaceChildren(...chips);
  setWord(page.run, task.isDialogue ? 'send' : 'run');
  setWord(element('hint', HTMLElement), task.isDialogue ? 'sendHint' : 'runHint');
  page.restart.hidden = !task.isDialogue;
  page.output.replaceChildren();
  page.measures.replaceChildren();
  showError(page.error);
  // What was said stands above the line for the next turn, other results below what was asked.
  if (task.isDialogue) page.form.before(page.output);
  else page.form.after(page.output);
  const [first] = task.examples;
  if (first !== undefined) fillIn(first);
}

function fillIn({ text, passages }: Example): void {
  page.text.value = text;
  page.text.rows = Math.max(2, text.split('\n').length);
  if (passages !== undefined) page.passages.value = passages.join('\n');
}

async function runTask(model: WebModel, task: PageTask, signal: AbortSignal): Promise<void> {
  const text = page.text.value;
  const passages = page.passages.value.split('\n').filter(line => line.trim() !== '');
  showError(page.error);
  // The same answer again is news only if the line was empty.
  announce('');
  setRunning(true);
  if (!task.isDialogue) page.output.replaceChildren();
  else page.text.value = '';
  const began = performance.now();
  const opened = model.device === null;
  try {
    const told = await task.run({ text, passages, signal, output: page.output });
    showMeasures(page.measures, model, { told, began, opened });
    announce(told.text);
  } catch (thrown) {
    if (task.isDialogue) page.text.value ||= text;
    if (signal.aborted) announce(say('stopped'));
    else showError(page.error, thrown);
  } finally {
    setRunning(false);
  }
}

function setRunning(yes: boolean): void {
  const stopHadFocus = document.activeElement === page.stop;
  page.run.ariaDisabled = yes ? 'true' : null;
  page.stop.disabled = !yes;
  page.output.ariaBusy = yes ? 'true' : null;
  if (!yes && stopHadFocus) page.run.focus();
}
