/**
 * The playground from a user's side: inspect, convert and try bundled models and one's own files, cancel, stop, come back;
 * in both languages, by keyboard alone, on a phone, and as an accessibility checker sees it.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { servePlayground, writePlayground } from '../../examples/playground/serve.ts';
import { bePatient, launchChromium, PATIENCE, requireChromium } from './browser.ts';
import { AXE, convert, drop, inspect, locate, problems, tasksOffered } from './playground-steps.ts';

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

  it('has no file for addresses that name none', async () => {
    for (const name of ['%', '%E0%80', 'nothing', '..%2f..%2fpackage.json']) {
      assert.equal((await fetch(address + name)).status, 404, name);
    }
  });

  it('chats with both bundled chat models, one after the other, and goes on with a dialogue', async () => {
    await using page = await open({ locale: 'en-US' });
    for (const name of ['chat-nezha', 'chat-cdial']) {
      await page.check(`input[value=${name}]`);
      await inspect(page);
      assert.match(await page.innerText('#findings'), /Missing\s+none\s+Left over\s+none/, name);
      await convert(page);
      assert.equal(await tasksOffered(page), 'chat complete');
      await page.focus('#text');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#measures dd');
      await page.fill('#text', '我叫什么');
      await page.keyboard.press('Enter');
      await page.waitForFunction(() => document.querySelectorAll('.reply').length === 2);
      await page.waitForSelector('#output:not([aria-busy])');
      assert.match(await page.innerText('#output'), /^You\s+我叫小明\s+Model\s+.+\s+You\s+我叫什么\s+Model\s+./, name);
      assert.match(await page.innerText('#measures'), /Speed\s+\d+ tokens\/s/);
    }
    await page.click('#restart');
    assert.equal(await page.textContent('#output'), '');
  });

  it('inspects, answers with votes, and fills masks in Chinese', async () => {
    await using page = await open({ locale: 'zh-CN' });
    assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
    await page.check('input[value=qa-unilm]');
    await inspect(page);
    assert.match(
      await page.innerText('#findings'),
      /tf-bundle[\s\S]*bert · unilm[\s\S]*4 层\s*128 隐藏[\s\S]*1,668 词/,
    );
    await convert(page);
    assert.equal(await tasksOffered(page), 'answer complete');
    await page.click('#run');
    await page.waitForSelector('#measures dd');
    assert.equal(await page.locator('.vote').count(), 3);
    assert.equal(await page.locator('.vote:not(.dropped)').count(), 1);
    assert.equal(await page.textContent('mark'), '丰亿中学');
    assert.equal(await page.textContent('#announcer'), '丰亿中学');
    assert.match(await page.innerText('#measures'), /运行于\s+wasm[\s\S]*磁盘占用\s+\d/);
    await page.check('input[value=qa-mlm]');
    await inspect(page);
    await convert(page);
    assert.equal(await tasksOffered(page), 'answer fill');
    await page.check('#tasks input[value=fill]');
    await page.click('#run');
    await page.waitForSelector('.ranked');
    assert.match((await page.textContent('.answer')) ?? '', /^邱乡浩汉查米/);
    assert.equal(await page.locator('.ranked').count(), 8 * 3);
  });

  it('takes dropped files and says which is missing; plans anew with every setting', async () => {
    await using page = await open({ locale: 'en-US' });
    await drop(page, ['qa-unilm/config.json', 'qa-unilm/README.md']);
    assert.match(
      await page.innerText('#roles'),
      /Weights\s+still missing[\s\S]*config\.json[\s\S]*Vocabulary\s+still missing/,
    );
    const weights = ['bert_model.ckpt.index', 'bert_model.ckpt.data-00000-of-00001'].map(name => `qa-unilm/${name}`);
    await page.setInputFiles('#files', weights.map(locate));
    await inspect(page);
    assert.equal(await page.textContent('#inspection-error'), 'Vocabulary: still missing');
    assert.ok(await page.isDisabled('#convert'));
    await page.setInputFiles('#files', [...weights, 'qa-unilm/vocab.txt'].map(locate));
    await inspect(page);
    assert.equal(await page.inputValue('#model'), 'bert');
    assert.match(await page.innerText('#findings'), /Can do\s+Reading comprehension\s*Fill \[MASK\]/);
    await page.selectOption('#application', 'lm');
    await page.waitForFunction(() => document.querySelector('.tags')?.textContent === 'CompletionChat');
    await page.selectOption('#model', 'nezha');
    await page.waitForFunction(() => document.querySelector('#findings summary') !== null);
    assert.ok(await page.isDisabled('#convert'));
    assert.match(await page.innerText('#inspection-error'), /do not fit[\s\S]*Choose another model/);
    await page.selectOption('#preset', 'seq2seq-rc');
    await page.waitForFunction(() => document.querySelector('#findings summary') === null);
    await convert(page);
    assert.equal(await tasksOffered(page), 'answer complete');
  });

  it('shows what is wrong with a file and what to do', async () => {
    await using page = await open({ locale: 'en-US' });
    await page.check('input[value=own]');
    await page.setInputFiles('#files', { name: 'model.h5', mimeType: 'application/x-hdf5', buffer: Buffer.alloc(64) });
    await page.click('#inspect');
    await page.waitForSelector('#choose-error strong');
    assert.match(await page.innerText('#choose-error'), /^A file is damaged[\s\S]*model\.h5[\s\S]*Check that/);
    assert.ok(await page.isHidden('#found'));
  });

  it('cancels a conversion, stops a text, keeps the model for the next visit and gives it away', async () => {
    await using page = await open({ locale: 'en-US' });
    await page.check('input[value=completion-gpt2ml]');
    await inspect(page);
    await page.evaluate(() => {
      for (const id of ['convert', 'cancel']) document.getElementById(id)?.click();
    });
    await page.waitForFunction(() => document.getElementById('inspection-error')?.textContent?.startsWith('Cancelled'));
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'convert');
    assert.ok(await page.isHidden('#trial'));
    // It would end at the next full stop otherwise.
    await page.fill('#end-token', '[PAD]');
    await page.fill('#max-len', '900');
    await convert(page);
    await page.click('#run');
    await page.waitForFunction(() => (document.querySelector('.written')?.textContent ?? '').length > 30);
    await page.click('#stop');
    await page.waitForFunction(() => document.getElementById('announcer')?.textContent === 'Stopped.');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'run');

    const downloading = page.waitForEvent('download');
    await page.click('#save');
    const names = execFileSync('tar', ['-tf', (await (await downloading).path()) ?? '']).toString();
    assert.match(names, /^bert4ort\.json$/m);
    assert.match(names, /^onnx\/model\.onnx$/m);

    await page.reload();
    await page.waitForSelector('#last:not([hidden])');
    assert.equal(await page.innerText('#last-title'), 'completion-gpt2ml');
    await page.click('#open-last');
    await page.waitForSelector('#trial:not([hidden])');
    assert.equal(await tasksOffered(page), 'complete chat');
  });

  it('needs no mouse, and follows the language', async () => {
    await using page = await open({ locale: 'en-US', reducedMotion: 'reduce' });
    const press = async (key: string, wanted: string): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        await page.keyboard.press(key);
        if (await page.evaluate(selector => document.activeElement?.matches(selector), wanted)) return;
      }
      assert.fail(`${key} never came to ${wanted}`);
    };
    await press('Tab', '#language');
    await page.keyboard.press('Enter');
    assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
    assert.equal(await page.innerText('#inspect'), '查看');
    await press('Tab', 'input[name=model]');
    await press('ArrowDown', 'input[value=cloze-bilstm]');
    await press('Tab', '#inspect');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'inspection-title');
    await press('Tab', '#convert');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'try-title');
    await press('Tab', '#text');
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() => document.getElementById('announcer')?.textContent === '桃子');
  });

  it('is a folder of files for any static host', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-playground-'));
    await writePlayground(folder);
    const types: Readonly<Record<string, string>> = {
      '.mjs': 'text/javascript',
      '.html': 'text/html',
      '.js': 'text/javascript',
      '.css': 'text/css',
    };
    const host = createServer(async ({ url = '' }, response) => {
      const name = url === '/site/' ? 'index.html' : url.replace('/site/', '');
      const bytes = await readFile(path.join(folder, name)).catch(() => undefined);
      response.setHeader('content-type', types[path.extname(name)] ?? 'application/octet-stream');
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    });
    await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve));
    try {
      const place = `http://127.0.0.1:${(host.address() as AddressInfo).port}/site/`;
      await using page = await open({ locale: 'en-US' }, place);
      await page.check('input[value=completion-gpt2]');
      await inspect(page);
      await convert(page);
      await page.click('#run');
      await page.waitForSelector('#measures dd');
      assert.match((await page.textContent('.written')) ?? '', /^美国的首都是华盛顿\n/);
      assert.match(await page.innerText('#measures'), /1 thread, as the page is not crossOriginIsolated/);
    } finally {
      host.close();
      host.closeAllConnections();
      await rm(folder, { recursive: true });
    }
  });

  it('has no accessibility problem that axe knows, light and dark, and fits a phone', async () => {
    await using page = await open({ locale: 'zh-CN', viewport: { width: 360, height: 740 } });
    await page.evaluate(AXE);
    const check = async (): Promise<void> => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await problems(page), [], colorScheme);
      }
    };
    await page.check('input[value=own]');
    await check();
    await page.check('input[value=qa-unilm]');
    await inspect(page);
    await convert(page);
    await page.click('#run');
    await page.waitForSelector('#measures dd');
    await check();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  });

  async function open(options: BrowserContextOptions, place = address): Promise<Page & AsyncDisposable> {
    const context = await browser?.newContext(options);
    const page = await context?.newPage();
    assert.ok(page);
    page.setDefaultTimeout(PATIENCE);
    await page.goto(place);
    return Object.assign(page, { [Symbol.asyncDispose]: () => page.context().close() });
  }
});
