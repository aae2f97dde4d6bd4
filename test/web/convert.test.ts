/**
 * Converting in the page, into the private file system: the files that Node writes, byte for byte, published at once, and
 * usable there; and the page's main thread meanwhile.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EXAMPLES, exampleNamed, webFixture } from './fixture.ts';

/** Measurements: what the code does shows in each of them, what else the machine was busy with does not. */
const ATTEMPTS = 5;

/** Longest time in milliseconds for which a page may stand still; a browser calls 50 a long task. */
const LONG_TASK = 50;

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

  it('refuses to start a file that there is no room for', async () => {
    const page = await web.open();
    const error = await page.evaluate(() => globalThis.page.writeTooMuch());
    assert.equal(error?.name, 'IoError');
    assert.match(error?.message ?? '', /^big: space in the browser's storage; expected \d+ bytes/);
  });

  it('keeps the main thread free while it converts, loads and runs', async () => {
    const page = await web.open();
    const conversion = await conversionOf('qa-unilm');
    const wasmPaths = `${web.server.origin}/ort/`;
    const longest = { converting: Number.POSITIVE_INFINITY, running: Number.POSITIVE_INFINITY };
    for (let i = 0; i < ATTEMPTS && Math.max(longest.converting, longest.running) > LONG_TASK; i++) {
      const { converting, running } = await page.evaluate(
        ([what, options]) => globalThis.page.blockedBy(what, options),
        [conversion, { device: 'wasm', wasmPaths }] as const,
      );
      longest.converting = Math.min(longest.converting, converting);
      longest.running = Math.min(longest.running, running);
    }
    assert.ok(longest.converting <= LONG_TASK, `converting: ${longest.converting} ms`);
    assert.ok(longest.running <= LONG_TASK, `running: ${longest.running} ms`);
  });

  async function conversionOf(name: string) {
    const { checkpoint, keywords } = exampleNamed(name);
    const files = (await readdir(path.join(EXAMPLES, name), { withFileTypes: true }))
      .filter(entry => entry.isFile())
      .map(entry => entry.name);
    return { base: `${web.server.origin}/examples/${name}/`, files, checkpoint, keywords, into: name };
  }
});
