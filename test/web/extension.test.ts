/**
 * The example extension in a browser: its service worker loads the model and answers, is ended by the browser and answers
 * again, and a selection comes to its page.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page, type Worker } from 'playwright-core';
import { buildExtension } from '../../examples/extension/build.ts';
import { bePatient, PATIENCE, requireChromium } from './browser.ts';

const QUESTION = '奇达·塞曼麦曾就读于哪所学校？';
const TEXT = '汉查米·斯戴扎曾就读于山平大学。\n\n奇达·塞曼麦曾就读于丰亿中学。他的伴侣是廖朱。';

describe('extension', () => {
  let folder = '';
  let context: BrowserContext | undefined;
  let page: Page;
  let worker: Worker;

  bePatient();
  before(async function () {
    this.timeout(PATIENCE);
    const executablePath = requireChromium(this);
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-extension-'));
    await buildExtension(folder);
    context = await chromium.launchPersistentContext('', {
      executablePath,
      // Playwright's own headless mode has no extensions.
      headless: false,
      args: [
        '--headless=new',
        '--no-sandbox',
        `--disable-extensions-except=${folder}`,
        `--load-extension=${folder}`,
        '--disable-features=DisableLoadExtensionCommandLineSwitch',
      ],
    });
    worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'));
    page = await context.newPage();
    await page.goto(new URL('ask.html', worker.url()).href);
  });
  after(async () => {
    await context?.close();
    if (folder !== '') await rm(folder, { recursive: true });
  });

  it('answers in its service worker and marks the answer in the text', async () => {
    assert.equal(await ask(TEXT, QUESTION), '丰亿中学');
    assert.equal(await page.textContent('mark'), '丰亿中学');
    assert.equal(await page.textContent('#source'), TEXT);
    assert.match((await page.textContent('#time')) ?? '', /^\d+ ms$/);
  });

  it('says when there is no answer', async () => {
    assert.match(await ask('胡夺的历史值得研究。', QUESTION), /No answer$/);
  });

  it('opens its page with the text that is selected', async () => {
    const asking = context?.waitForEvent('page');
    // Chromium's events can be dispatched from inside; its menus can't be clicked from outside.
    await worker.evaluate(text => {
      interface Dispatched {
        readonly contextMenus: { readonly onClicked: { dispatch(info: object, tab: object): void } };
      }
      (globalThis as unknown as { chrome: Dispatched }).chrome.contextMenus.onClicked.dispatch(
        { selectionText: text },
        {},
      );
    }, TEXT);
    const opened = await asking;
    await opened?.waitForFunction(() => document.querySelector('textarea')?.value !== '');
    assert.equal(await opened?.inputValue('#text'), TEXT);
    assert.equal(await opened?.evaluate(() => document.activeElement?.id), 'question');
  });

  it('answers after the browser ended the service worker', async () => {
    const session = await context?.browser()?.newBrowserCDPSession();
    assert.ok(session);
    const workers = async () => {
      const { targetInfos } = await session.send('Target.getTargets');
      return targetInfos.filter(({ type }) => type === 'service_worker');
    };
    const [running] = await workers();
    assert.ok(running);
    await session.send('Target.closeTarget', { targetId: running.targetId });
    while ((await workers()).length > 0) await page.waitForTimeout(50);
    assert.equal(await ask(TEXT, QUESTION), '丰亿中学');
    assert.equal((await workers()).length, 1);
  });

  async function ask(text: string, question: string): Promise<string> {
    await page.fill('#text', text);
    await page.fill('#question', question);
    await page.click('#ask');
    await page.waitForFunction(() => document.getElementById('answer')?.textContent !== '…');
    return (await page.textContent('#answer')) ?? '';
  }
});
