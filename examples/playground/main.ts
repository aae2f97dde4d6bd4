/**
 * The playground: choose a model, convert it in the page, ask it something. No framework; the state is what is on the
 * page, the model that is open, and the task that is chosen.
 */
import { listPresets } from '../../converters/index.ts';
import { messageOf } from '../../src/core/errors.ts';
import { loadModel, type WebModel, type WebModelOptions } from '../../src/web.ts';
import { type ConvertMessage, FOLDER } from './convert-worker.ts';
import { bundled, fetchBundled, type ModelFiles, sortFiles } from './models.ts';
import { type PageTask, type Stage, tasksOf } from './tasks.ts';
import { type Language, type Word, words } from './words.ts';

const page = {
  language: element('language', HTMLSelectElement),
  bundled: element('bundled', HTMLSelectElement),
  drop: element('drop', HTMLElement),
  files: element('files', HTMLInputElement),
  preset: element('preset', HTMLSelectElement),
  device: element('device', HTMLSelectElement),
  convert: element('convert', HTMLButtonElement),
  progress: element('progress', HTMLProgressElement),
  status: element('status', HTMLElement),
  facts: element('facts', HTMLElement),
  try: element('try', HTMLElement),
  form: element('form', HTMLFormElement),
  task: element('task', HTMLSelectElement),
  text: element('text', HTMLTextAreaElement),
  textWord: element('text-word', HTMLElement),
  passages: element('passages', HTMLTextAreaElement),
  passagesLabel: element('passages-label', HTMLElement),
  stop: element('stop', HTMLButtonElement),
  output: element('output', HTMLElement),
  timing: element('timing', HTMLElement),
};

let language: Language = navigator.language.startsWith('zh') ? 'zh' : 'en';
let dropped: readonly File[] = [];
let model: WebModel | undefined;
let tasks: readonly PageTask[] = [];
let running: AbortController | undefined;

const say = (word: Word): string => words[word][language];

const stage: Stage = {
  say,
  show(className, text) {
    const shown = document.createElement('div');
    shown.className = className;
    shown.textContent = text;
    page.output.append(shown);
    return shown;
  },
};

start();

function start(): void {
  const names = ['', ...Object.keys(bundled)];
  page.bundled.append(...names.map(name => new Option(name, name, false, name === 'qa-unilm')));
  // The page asks for a vocabulary; presets whose configuration holds it are for the command line.
  const withVocabulary = listPresets().filter(({ tokenizer }) => tokenizer !== null);
  page.preset.append(...withVocabulary.map(({ name }) => new Option(name, name)));
  page.language.value = language;
  page.language.addEventListener('change', () => {
    language = page.language.value === 'en' ? 'en' : 'zh';
    writeWords();
  });
  page.files.addEventListener('change', () => takeFiles([...(page.files.files ?? [])]));
  page.drop.addEventListener('dragover', event => {
    event.preventDefault();
    page.drop.classList.add('over');
  });
  page.drop.addEventListener('dragleave', () => page.drop.classList.remove('over'));
  page.drop.addEventListener('drop', event => {
    event.preventDefault();
    page.drop.classList.remove('over');
    takeFiles([...(event.dataTransfer?.files ?? [])]);
  });
  page.convert.addEventListener('click', () => attempt(convertAndOpen));
  page.task.addEventListener('change', chooseTask);
  page.form.addEventListener('submit', event => {
    event.preventDefault();
    attempt(runTask);
  });
  page.stop.addEventListener('click', () => running?.abort());
  writeWords();
}

function writeWords(): void {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const part of document.querySelectorAll<HTMLElement>('[data-word]')) {
    const word = part.dataset['word'] ?? '';
    if (word in words) part.textContent = say(word as Word);
  }
  for (const option of page.task.options) option.text = say(option.value as Word);
  const [own] = page.bundled.options;
  if (own !== undefined) own.text = say('own');
  const task = tasks.find(({ name }) => name === page.task.value);
  if (task !== undefined) page.textWord.textContent = say(task.textWord);
}

function takeFiles(files: readonly File[]): void {
  dropped = files;
  page.bundled.value = '';
  page.status.textContent = files.map(({ name }) => name).join(', ');
}

/** Runs what a button asks for, with the button off meanwhile and errors shown. */
async function attempt(work: () => Promise<void>): Promise<void> {
  page.convert.disabled = true;
  page.status.textContent = '';
  try {
    await work();
  } catch (error) {
    page.status.textContent = messageOf(error);
  } finally {
    page.convert.disabled = false;
  }
}

async function convertAndOpen(): Promise<void> {
  const files =
    page.bundled.value === '' ? sortFiles(dropped, page.preset.value) : await fetchBundled(page.bundled.value);
  if ('missing' in files) {
    page.status.textContent = say('missing') + files.missing;
    return;
  }
  const began = performance.now();
  page.progress.hidden = false;
  page.status.textContent = say('converting');
  const scheme = await convertInWorker(files).finally(() => {
    page.progress.hidden = true;
  });
  const seconds = (performance.now() - began) / 1000;
  await open();
  page.status.textContent = say('ready');
  if (model === undefined) return;
  const { architecture, application, graphs } = model.manifest;
  const size = graphs.model?.data.reduce((sum, file) => sum + file.size, 0) ?? 0;
  list(page.facts, [
    ['architecture', `${architecture}, ${application}`],
    ['scheme', scheme],
    ['size', `${(size / 1e6).toFixed(1)} MB`],
    ['converted', `${seconds.toFixed(2)} s`],
  ]);
}

function convertInWorker(files: ModelFiles): Promise<string> {
  const worker = new Worker(new URL('./convert-worker.js', import.meta.url), { type: 'module' });
  return new Promise<string>((resolve, reject) => {
    worker.onerror = event => reject(new Error(event.message));
    worker.onmessage = ({ data }: MessageEvent<ConvertMessage>) => {
      if (data.kind === 'done') resolve(data.scheme);
      else if (data.kind === 'failed') reject(new Error(data.message));
      else if (data.event.status === 'progress') page.progress.value = data.event.loaded / data.event.total;
    };
    worker.postMessage(files);
  }).finally(() => worker.terminate());
}

async function open(): Promise<void> {
  page.try.hidden = true;
  await model?.dispose();
  model = undefined;
  const root = await navigator.storage.getDirectory();
  const device = page.device.value as NonNullable<WebModelOptions['device']>;
  const wasmPaths = new URL('ort/', location.href).href;
  model = await loadModel(await root.getDirectoryHandle(FOLDER), { device, wasmPaths });
  tasks = tasksOf(model);
  page.task.replaceChildren(...tasks.map(({ name }) => new Option(say(name), name)));
  page.try.hidden = false;
  chooseTask();
  page.text.focus();
}

function chooseTask(): void {
  const task = tasks.find(({ name }) => name === page.task.value);
  if (task === undefined) return;
  page.textWord.textContent = say(task.textWord);
  page.text.value = task.example;
  page.passagesLabel.hidden = !task.hasPassages;
  page.passages.value = task.passages ?? '';
  page.output.replaceChildren();
  page.timing.replaceChildren();
}

async function runTask(): Promise<void> {
  const task = tasks.find(({ name }) => name === page.task.value);
  if (task === undefined || model === undefined) return;
  running = new AbortController();
  page.stop.disabled = false;
  if (task.name !== 'chat') page.output.replaceChildren();
  const passages = page.passages.value.split('\n').filter(line => line.trim() !== '');
  const began = performance.now();
  try {
    await task.run({ text: page.text.value, passages, signal: running.signal }, stage);
  } finally {
    page.stop.disabled = true;
  }
  const milliseconds = performance.now() - began;
  if (task.name === 'chat') page.text.value = '';
  const { device, reason } = model.device ?? { device: '', reason: '' };
  list(page.timing, [
    ['time', `${milliseconds.toFixed(0)} ms`],
    ['runsOn', `${device} (${reason})`],
    ['memory', '…'],
  ]);
  const shown = page.timing.lastElementChild;
  const write = (text: string): void => shown?.replaceChildren(text);
  memory().then(write, error => write(messageOf(error)));
}

/** Memory of the page and its workers, where the browser tells; it does with its next garbage collection. */
async function memory(): Promise<string> {
  if (!('measureUserAgentSpecificMemory' in performance) || !crossOriginIsolated) return '–';
  const measure = performance.measureUserAgentSpecificMemory as () => Promise<{ readonly bytes: number }>;
  return `${((await measure.call(performance)).bytes / 1e6).toFixed(0)} MB`;
}

function list(target: HTMLElement, entries: readonly (readonly [Word, string])[]): void {
  target.replaceChildren(
    ...entries.flatMap(([word, text]) => {
      const term = document.createElement('dt');
      term.dataset['word'] = word;
      term.textContent = say(word);
      const description = document.createElement('dd');
      description.textContent = text;
      return [term, description];
    }),
  );
}

function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} "${id}"`);
}
