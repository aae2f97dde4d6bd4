/**
 * The longest task of a page's main thread with a language model of two layers of BERT-base (125 MB): converted from a
 * server into the private file system, loaded from there, decoding, and fetched from a URL.
 * `npx tsx test/bench/web-main-thread.ts [--write]`
 */
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { findChromium, launchChromium } from '../web/browser.ts';
import { bundlePage, ORT_FOLDER } from '../web/bundle.ts';
import { html } from '../web/fixture.ts';
import { traceMainThread } from '../web/main-thread.ts';
import { startServer } from '../web/server.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder } from './bench-model.ts';
import { report } from './performance-table.ts';

const executable = findChromium();
if (executable === undefined) throw new Error('no Chromium found; set CHROMIUM_PATH');
const KEYWORDS = { model: 'bert', application: 'lm' };

await inFolder(async folder => {
  const server = await startServer();
  const browser = await launchChromium(executable);
  try {
    await writeBaseCheckpoint(folder, { config: { num_hidden_layers: 2 } });
    const vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...Array.from({ length: 21124 }, (_, i) => `w${i}`)];
    await writeFile(path.join(folder, 'vocab.txt'), vocab.join('\n'));
    await convertIn(folder, 'model', KEYWORDS);
    await rename(path.join(folder, 'bert_config.json'), path.join(folder, 'config.json'));
    await bundlePage(path.join(folder, 'page'));
    server.folders.set('/ort/', ORT_FOLDER).set('/', folder);
    server.files.set('/index.html', html('<script type="module" src="/page/page.js"></script>'));
    const page = await browser.newPage();
    page.setDefaultTimeout(600_000);
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction(() => 'page' in globalThis);
    const rows = [['', 'longest task, ms of processor time', 'tasks']];
    for (const [name, work] of Object.entries(phases(page, server.origin))) {
      const { longest, tasks } = await traceMainThread(browser, page, work);
      rows.push([name, longest.toFixed(1), `${tasks}`]);
      console.log(rows.at(-1)?.join('  '));
    }
    await report('web-main-thread', rows, [`Chromium ${browser.version()}.`]);
  } finally {
    await browser.close();
    await server.close();
  }
});

function phases(page: Page, origin: string): Record<string, () => Promise<unknown>> {
  const options = { device: 'wasm', wasmPaths: `${origin}/ort/` } as const;
  const conversion = {
    base: `${origin}/`,
    files: ['bert_model.ckpt.index', 'bert_model.ckpt.data-00000-of-00001', 'config.json', 'vocab.txt'],
    checkpoint: 'bert_model.ckpt',
    keywords: KEYWORDS,
    into: 'base',
  };
  return {
    converting: () => page.evaluate(what => globalThis.page.convertInto(what), conversion),
    'loading and decoding': () =>
      page.evaluate(([into, how]) => globalThis.page.chatFrom(into, how), ['base', options] as const),
    fetching: () => page.evaluate(url => globalThis.page.eventsOfLoading(url), `${origin}/model/`),
  };
}
