/**
 * Converting in the page, into the private file system: the files that Node writes, byte for byte, published at once, and
 * usable there; and the page's main thread meanwhile.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EXAMPLES, exampleNamed, webFixture } from './fixture.ts';
import { traceMainThread } from './main-thread.ts';

/** Longest time in milliseconds for which a page may stand still; browsers call more a long task. */
const LONG_TASK = 50;

/** A trace of less has missed the work. */
const FEWEST_TASKS = 20;

describe('converting in a browser', () => {
  const web = webFixture();

  before(() => web.server.folders.set('/examples/', EXAMPLES));

  for (const name of ['qa-unilm', 'qa-mlm', 'chat-nezha']) {
    it(`${name}: writes the same bytes as Node`, async () => {
      await web.serve(name);
      const target = path.join(web.folder, name);
      const files = (await readdir(target, { recursive: true, withFileTypes: true }))
        .filter(entry => entry.isFile())
        .map(entry => path.relative(target, path.join(entry.parentPath, entry.name)));
      const page = await web.open();
      await page.evaluate(conversion => globalThis.page.convertInto(conversion), await conversionOf(name));
      const found = await page.evaluate(([folder, names]) => globalThis.page.hashes(folder, names), [
        name,
        files,
      ] as const);
      for (const file of files) {
        const expected = createHash('sha256')
          .update(await readFile(path.join(target, file)))
          .digest('hex');
        assert.equal(found[file], expected, file);
      }
    });
  }

  it('publishes a model at once, and replaces one at once', async () => {
    const page = await web.open();
    const seen = await page.evaluate(() => globalThis.page.publishTwice());
    assert.deepEqual(seen, {
      whileWriting: [],
      published: ['a.txt'],
      whileReplacing: ['a.txt'],
      replaced: ['b.txt'],
      afterDiscard: ['b.txt'],
      left: 1,
    });
  });

  it('leaves nothing that can be read when the tab is closed meanwhile, and converts the next time', async () => {
    const page = await web.open();
    const conversion = await conversionOf('chat-nezha');
    const data = '/examples/chat-nezha/model.ckpt.data-00000-of-00001';
    const stalled = new Promise<void>(resolve => {
      web.server.faults.set(data, [{}, { stallAfter: 100_000, noticed: resolve }]);
    });
    const converting = page.evaluate(what => globalThis.page.convertInto(what), conversion).catch(() => 'closed');
    await stalled;
    const next = await page.context().newPage();
    await page.close();
    assert.equal(await converting, 'closed');
    await next.goto(`${web.server.origin}/index.html`);
    await next.waitForFunction(() => 'page' in globalThis);
    const left = await next.evaluate(() => globalThis.page.publishedFiles('chat-nezha'));
    assert.deepEqual(left, { files: [], folders: 1 });
    await next.evaluate(what => globalThis.page.convertInto(what), conversion);
    const { files, folders } = await next.evaluate(() => globalThis.page.publishedFiles('chat-nezha'));
    assert.ok(files.includes('bert4ort.json'));
    assert.equal(folders, 1);
    await next.context().close();
  });

  it('refuses to start a file that there is no room for', async () => {
    const page = await web.open();
    const error = await page.evaluate(() => globalThis.page.writeTooMuch());
    assert.equal(error?.name, 'IoError');
    assert.match(error?.message ?? '', /^big: space in the browser's storage; expected \d+ bytes/);
  });

  for (const device of ['wasm', 'webgpu'] as const) {
    it(`keeps the main thread free while it converts, loads and decodes on ${device}`, async () => {
      const page = await web.open();
      const conversion = await conversionOf('chat-nezha');
      const options = { device, wasmPaths: `${web.server.origin}/ort/` };
      const phases = {
        converting: () => page.evaluate(what => globalThis.page.convertInto(what), conversion),
        'loading and decoding': () =>
          page.evaluate(([folder, how]) => globalThis.page.chatFrom(folder, how), ['chat-nezha', options] as const),
      };
      for (const [phase, work] of Object.entries(phases)) {
        const { longest, tasks } = await traceMainThread(web.browser, page, work);
        assert.ok(tasks >= FEWEST_TASKS, `${phase}: ${tasks} tasks traced`);
        assert.ok(longest <= LONG_TASK, `${phase}: ${longest} ms`);
        console.info(`    ${phase}: ${longest.toFixed(1)} ms the longest of ${tasks} tasks`);
      }
      await page.context().close();
    });
  }

  async function conversionOf(name: string) {
    const { checkpoint, keywords } = exampleNamed(name);
    const files = (await readdir(path.join(EXAMPLES, name), { withFileTypes: true }))
      .filter(entry => entry.isFile())
      .map(entry => entry.name);
    return { base: `${web.server.origin}/examples/${name}/`, files, checkpoint, keywords, into: name };
  }
});
