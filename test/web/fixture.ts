/**
 * What browser tests share: one server, one Chromium, the page's bundle, and example models converted in Node.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { convert } from '../../converters/convert.ts';
import type { TokenizerSource } from '../../converters/tokenizer-files.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { directorySet } from '../../src/io/file-source.ts';
import { bePatient, launchChromium, PATIENCE, requireChromium } from './browser.ts';
import { bundlePage, ORT_FOLDER } from './bundle.ts';
import { startServer, type TestServer } from './server.ts';

/** Folder of the example models. */
export const EXAMPLES = path.resolve(import.meta.dirname, '../../examples/models');

/** How an example is converted. */
export interface Example {
  readonly checkpoint: string;
  readonly keywords: Readonly<Record<string, string | boolean>> & { readonly model: string };
  /** Name of the configuration's file. Default `config.json`. */
  readonly config?: string;
  /** None where the configuration has the words. */
  readonly tokenizer?: readonly [kind: 'wordpiece' | 'sentencepiece', file: string, more?: object];
}

/** Example models that run in browsers. */
export const examples: Readonly<Record<string, Example>> = {
  'qa-unilm': {
    checkpoint: 'best_model.weights',
    keywords: { model: 'bert', application: 'unilm' },
    tokenizer: ['wordpiece', 'vocab.txt'],
  },
  'qa-mlm': {
    checkpoint: 'best_model_tf.weights',
    keywords: { model: 'bert', with_mlm: true },
    tokenizer: ['wordpiece', 'vocab.txt'],
  },
  'chat-nezha': {
    checkpoint: 'model.ckpt',
    keywords: { model: 'nezha', application: 'lm' },
    tokenizer: ['wordpiece', 'vocab.txt'],
  },
  'completion-gpt2': {
    checkpoint: 'model.ckpt',
    keywords: { model: 'gpt2' },
    tokenizer: [
      'sentencepiece',
      'chinese_vocab.model',
      // The recipe of CPM_LM_bert4keras.
      { preTokenize: 'jieba', tokenStart: null, tokenEnd: null, tokenTranslate: { '▃': '<cls>' } },
    ],
  },
  'completion-gpt2ml': {
    checkpoint: 'model.ckpt-100000',
    keywords: { model: 'gpt2_ml' },
    tokenizer: ['wordpiece', 'vocab.txt', { tokenStart: null, tokenEnd: null }],
  },
  'cloze-bilstm': { checkpoint: 'tk/tk_highest.ckpt', config: 'model.config', keywords: { model: 'cloze-bilstm' } },
};

/** Converts an example in Node into `folder`, copying weights as a browser has to rather than cloning files whole. */
export async function convertExample(name: string, folder: string): Promise<void> {
  const { checkpoint, keywords, tokenizer, config = 'config.json' } = exampleNamed(name);
  const files = directorySet(path.join(EXAMPLES, name, path.dirname(checkpoint)));
  const { copy: _copy, link: _link, ...sink } = await directorySink(folder);
  await convert(
    {
      checkpoint: { files, name: path.basename(checkpoint) },
      config: await readFile(path.join(EXAMPLES, name, config)),
      keywords,
      ...(tokenizer !== undefined && { tokenizer: await tokenizerSource(name, tokenizer) }),
    },
    sink,
  );
}

async function tokenizerSource(
  name: string,
  [kind, file, more]: NonNullable<Example['tokenizer']>,
): Promise<TokenizerSource> {
  const bytes = await readFile(path.join(EXAMPLES, name, file));
  const source = kind === 'wordpiece' ? { kind, vocab: bytes, ...more } : { kind, model: bytes, ...more };
  return source as TokenizerSource;
}

/** The example of this name. */
export function exampleNamed(name: string): Example {
  const example = examples[name];
  if (example === undefined) throw new Error(`no example ${name}`);
  return example;
}

/** Filled in before the suite's tests run. */
export interface WebFixture {
  server: TestServer;
  browser: Browser;
  /** Removed afterwards. */
  folder: string;
  /** A fresh page, in a context without anything stored, with the bundle loaded; `prepare` has it before that. */
  open(prepare?: (page: Page) => Promise<unknown>): Promise<Page>;
  /** Converts an example once and serves it at `/<name>/`. */
  serve(name: string): Promise<string>;
}

/** Registers the hooks of a suite; to be called inside `describe`. */
export function webFixture(): WebFixture {
  const fixture = {} as WebFixture;
  const served = new Map<string, Promise<void>>();
  bePatient();
  before(async function () {
    this.timeout(PATIENCE);
    const executable = requireChromium(this);
    fixture.folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-web-'));
    const { folder } = fixture;
    const [server, browser] = await Promise.all([
      startServer(),
      launchChromium(executable),
      bundlePage(path.join(folder, 'page')),
    ]);
    Object.assign(fixture, { server, browser });
    server.folders.set('/page/', path.join(folder, 'page'));
    server.folders.set('/ort/', ORT_FOLDER);
    server.files.set('/index.html', html('<script type="module" src="/page/page.js"></script>'));
    fixture.open = async prepare => {
      const page = await (await browser.newContext()).newPage();
      page.setDefaultTimeout(PATIENCE);
      await prepare?.(page);
      await page.goto(`${server.origin}/index.html`);
      await page.waitForFunction(() => 'page' in globalThis);
      return page;
    };
    fixture.serve = async name => {
      const target = path.join(folder, name);
      if (!served.has(name)) served.set(name, convertExample(name, target));
      await served.get(name);
      server.folders.set(`/${name}/`, target);
      return `${server.origin}/${name}/`;
    };
  });
  after(async () => {
    await fixture.browser?.close();
    await fixture.server?.close();
    if (fixture.folder !== undefined) await rm(fixture.folder, { recursive: true });
  });
  return fixture;
}

/** A page with this body. */
export function html(body: string, head = ''): Uint8Array {
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">${head}</head>`;
  return new TextEncoder().encode(`${page}<body>${body}</body></html>`);
}
