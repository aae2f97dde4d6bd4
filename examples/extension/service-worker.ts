/**
 * The extension's service worker: it holds the model and answers questions about texts. The browser ends it after half a
 * minute without work and starts it again with the next question; a model of this size is back within a second.
 *
 * A service worker can start no worker of its own and import nothing late: graphs run in this very thread, on one
 * WebAssembly thread, and ONNX Runtime's glue is part of the bundle.
 */
import { createReader, loadModel, type ReadingComprehension } from '../../src/web.ts';
import { chrome } from './extension-api.ts';
import { type Question, type Reply, SELECTION } from './messages.ts';

let reader: Promise<ReadingComprehension> | undefined;

chrome.runtime.onInstalled.addListener(() => {
  chrome.contextMenus.create({ id: 'ask', title: 'bert4ort: “%s”', contexts: ['selection'] });
});
chrome.contextMenus.onClicked.addListener(({ selectionText = '' }) => openPage(selectionText));
chrome.action.onClicked.addListener(() => openPage(''));
chrome.runtime.onMessage.addListener((message, _sender, sendResponse) => {
  answer(message as Question).then(sendResponse, (error: Error) =>
    sendResponse({ error: error.message } satisfies Reply),
  );
  // The reply comes later.
  return true;
});

async function openPage(selection: string): Promise<void> {
  await chrome.storage.session.set({ [SELECTION]: selection });
  await chrome.windows.create({ url: chrome.runtime.getURL('ask.html'), type: 'popup', width: 460, height: 620 });
}

async function answer({ question, text }: Question): Promise<Reply> {
  const began = performance.now();
  reader ??= openReader().catch(error => {
    reader = undefined;
    throw error;
  });
  const passages = passagesOf(text);
  const found = await (await reader).answer(
    question,
    passages.map(passage => passage.text),
    { maxPassageLen: 128, maxQuestionLen: 32, maxAnswerLen: 16 },
  );
  const spans = found.spans.map(({ passage, start, end }) => {
    const offset = passages[passage]?.offset ?? 0;
    return { start: offset + start, end: offset + end };
  });
  return { answer: found.answer, spans, milliseconds: performance.now() - began };
}

/** Lines of a text and where each begins; they vote on the answer. */
function passagesOf(text: string): readonly { readonly text: string; readonly offset: number }[] {
  return [...text.matchAll(/[^\n]*\S[^\n]*/g)].map(match => ({ text: match[0], offset: match.index }));
}

async function openReader(): Promise<ReadingComprehension> {
  const wasm = chrome.runtime.getURL('ort-wasm-simd-threaded.wasm');
  const model = await loadModel(chrome.runtime.getURL('model/'), {
    device: 'wasm',
    threads: 1,
    worker: false,
    // The files are the extension's own: nothing is to be kept twice.
    cache: false,
    wasmPaths: { wasm },
  });
  return createReader(model);
}
