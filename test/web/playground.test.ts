/**
 * The playground from a user's side: convert a bundled model and one's own files, ask, read the answer, in both languages
 * and by keyboard.
 */
import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { servePlayground } from '../../examples/playground/serve.ts';
import { bePatient, launchChromium, PATIENCE, requireChromium } from './browser.ts';
import { EXAMPLES } from './fixture.ts';

describe('playground', () => {
  let server: Server | undefined;
  let browser: Browser | undefined;
  let address = '';

  bePatient();
  before(async function () {
    this.timeout(PATIENCE);
    browser = await launchChromium(requireChromium(this));
    server = await servePlayground(0);
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after(async () => {
    await browser?.close();
    server?.close();
    server?.closeAllConnections();
  });

  it('converts a bundled reader and shows its answer and votes', async () => {
    const page = await open('zh-CN');
    assert.equal(await page.textContent('#convert'), '转换并打开');
    await page.selectOption('#bundled', 'qa-unilm');
    await page.click('#convert');
    await page.waitForSelector('#try:not([hidden])');
    await page.focus('#form button.main');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#timing dd');
    assert.equal(await page.textContent('.answer'), '丰亿中学');
    assert.equal(await page.locator('.vote').count(), 3);
    assert.equal(await page.locator('.vote:not(.dropped)').count(), 1);
    assert.match((await page.textContent('#timing')) ?? '', /wasm \(/);
    await page.context().close();
  });

  it('converts the user’s own files and streams a completion', async () => {
    const page = await open('en-US');
    const folder = path.join(EXAMPLES, 'completion-gpt2');
    const names = ['config.json', 'chinese_vocab.model', 'model.ckpt.index', 'model.ckpt.data-00000-of-00001'];
    await page.setInputFiles(
      '#files',
      names.map(name => path.join(folder, name)),
    );
    await page.selectOption('#preset', 'cpm-lm');
    await page.click('#convert');
    await page.waitForSelector('#try:not([hidden])');
    await page.click('#form button.main');
    await page.waitForSelector('#timing dd');
    assert.match((await page.textContent('.answer')) ?? '', /^美国的首都是华盛顿\n/);
    await page.context().close();
  });

  it('converts the bundled cloze model and ranks the words', async () => {
    const page = await open('zh-CN');
    await page.selectOption('#bundled', 'cloze-bilstm');
    await page.click('#convert');
    await page.waitForSelector('#try:not([hidden])');
    await page.click('#form button.main');
    await page.waitForSelector('#timing dd');
    assert.equal(await page.textContent('.answer'), '桃子');
    assert.match((await page.textContent('.turn')) ?? '', /^桃子 \d+\.\d % /);
    await page.context().close();
  });

  it('says what is missing, and names every control', async () => {
    const page = await open('en-US');
    await page.setInputFiles('#files', path.join(EXAMPLES, 'qa-unilm/config.json'));
    await page.click('#convert');
    await page.waitForFunction(() => document.getElementById('status')?.textContent?.startsWith('Missing'));
    assert.equal(await page.textContent('#status'), 'Missing: vocab.txt');
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLInputElement>('select, textarea, input')]
        .filter(control => (control.labels?.length ?? 0) === 0)
        .map(control => control.id),
    );
    assert.deepEqual(nameless, []);
    await page.context().close();
  });

  async function open(locale: string): Promise<Page> {
    const context = await browser?.newContext({ locale });
    const page = await context?.newPage();
    assert.ok(page);
    page.setDefaultTimeout(PATIENCE);
    await page.goto(address);
    return page;
  }
});
