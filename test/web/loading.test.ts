/**
 * Models from URLs: what is fetched, kept, resumed and refused.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { PATIENCE } from './browser.ts';
import { webFixture } from './fixture.ts';

const WEIGHTS = '/qa-unilm/onnx/model.onnx_data';

describe('loading models in a browser', () => {
  const web = webFixture();
  let base = '';
  let weights: Uint8Array;

  before(async function () {
    this.timeout(PATIENCE);
    base = await web.serve('qa-unilm');
    weights = await readFile(path.join(web.folder, 'qa-unilm/onnx/model.onnx_data'));
  });
  beforeEach(() => {
    web.server.log.length = 0;
    web.server.faults.clear();
    web.server.files.delete(WEIGHTS);
    Object.assign(web.server.settings, { ranges: true, down: false });
  });

  it('tells how far it is, and what it has', async () => {
    const page = await web.open();
    const events = await page.evaluate(url => globalThis.page.eventsOfLoading(url), base);
    for (const file of ['bert4ort.json', 'onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/step.onnx', 'vocab.txt']) {
      assert.ok(events.includes(`download ${file}`) && events.includes(`progress ${file}`), `${file} in ${events}`);
    }
    assert.equal(events.at(-1), 'ready bert4ort.json');
  });

  it('loads without a connection after the first time', async () => {
    const page = await web.open();
    await load(page);
    web.server.settings.down = true;
    assert.equal(await load(page), 'loaded');
  });

  it('fetches nothing twice, and a new version of weights that have no hash', async () => {
    const page = await web.open();
    await load(page);
    web.server.log.length = 0;
    await load(page);
    assert.deepEqual(
      web.server.log.filter(line => line.startsWith('GET')),
      [],
    );
    web.server.files.set(
      WEIGHTS,
      weights.map(byte => byte ^ 1),
    );
    await load(page);
    assert.deepEqual(
      web.server.log.filter(line => line.startsWith('GET')),
      [`GET ${WEIGHTS}`],
    );
  });

  it('fetches once what is wanted twice at once', async () => {
    const page = await web.open();
    assert.deepEqual(await Promise.all([load(page), load(page)]), ['loaded', 'loaded']);
    assert.equal(web.server.log.filter(line => line === `GET ${WEIGHTS}`).length, 1);
  });

  it('goes on after cut connections, where it was', async () => {
    const page = await web.open();
    web.server.faults.set(WEIGHTS, [{ cutAfter: 1_000_000 }, { status: 503 }, { cutAfter: 500_000 }]);
    assert.equal(await hashOfWeights(page), hashOf(weights));
    const [first, ...rest] = web.server.log.filter(line => line.startsWith(`GET ${WEIGHTS}`));
    assert.equal(first, `GET ${WEIGHTS}`);
    assert.equal(rest.length, 3);
    for (const line of rest) assert.match(line, /bytes=[1-9]\d*-$/);
  });

  it('starts again where the server has no ranges, or another version meanwhile', async () => {
    const page = await web.open();
    web.server.settings.ranges = false;
    web.server.faults.set(WEIGHTS, [{ cutAfter: 1_000_000 }]);
    assert.equal(await hashOfWeights(page), hashOf(weights));

    web.server.settings.ranges = true;
    const other = weights.map(byte => byte ^ 1);
    web.server.faults.set(WEIGHTS, [{ cutAfter: 1_000_000 }]);
    const fresh = await web.open();
    const loading = hashOfWeights(fresh);
    const poll = setInterval(() => {
      if (web.server.faults.get(WEIGHTS)?.length === 0) web.server.files.set(WEIGHTS, other);
    }, 1);
    assert.equal(await loading.finally(() => clearInterval(poll)), hashOf(other));
  });

  it('goes on after the page was closed', async () => {
    const context = await web.browser.newContext();
    const big = new Uint8Array(10 << 20).map((_, i) => i * 31);
    web.server.files.set('/big/onnx/model.onnx_data', big);
    await serveBig(big.length);
    const first = await context.newPage();
    await first.goto(`${web.server.origin}/index.html`);
    web.server.faults.set('/big/onnx/model.onnx_data', [{ cutAfter: 9 << 20 }, ...Array(5).fill({ status: 503 })]);
    assert.match((await thrown(first, `${web.server.origin}/big/`)).message, /503/);
    await first.close();

    web.server.log.length = 0;
    const second = await context.newPage();
    await second.goto(`${web.server.origin}/index.html`);
    await load(second, `${web.server.origin}/big/`);
    const requests = web.server.log.filter(line => line.startsWith('GET /big/onnx/model.onnx_data'));
    // Pieces of 4 MiB: two where the page had read all that was sent before the cut, else one.
    const resumed = [8 << 20, 4 << 20].map(from => `GET /big/onnx/model.onnx_data bytes=${from}-`);
    assert.equal(requests.length, 1);
    assert.ok(resumed.includes(requests[0] ?? ''), requests[0]);
    await context.close();
  });

  it('refuses a graph that is not the manifest’s, and keeps nothing of it', async () => {
    const page = await web.open();
    const graph = await readFile(path.join(web.folder, 'qa-unilm/onnx/model.onnx'));
    web.server.files.set(
      '/qa-unilm/onnx/model.onnx',
      graph.map(byte => byte ^ 1),
    );
    const error = await thrown(page, base);
    assert.equal(error.name, 'FormatError');
    assert.match(error.message, /onnx\/model\.onnx: SHA-256; expected [0-9a-f]{64}; found [0-9a-f]{64}/);
    web.server.files.delete('/qa-unilm/onnx/model.onnx');
    assert.equal(await load(page), 'loaded');
  });

  it('refuses weights that are not the manifest’s, keeps nothing of them, and starts afresh', async () => {
    const { url, file, big } = await serveHashed();
    const page = await web.open();
    web.server.files.set(
      file,
      big.map((byte, i) => (i === 5 << 20 ? byte ^ 1 : byte)),
    );
    const error = await thrown(page, url);
    assert.equal(error.name, 'FormatError');
    assert.equal(
      error.message,
      `onnx/model.onnx_data: SHA-256; expected ${hashOf(big)}; found ${hashOf(web.server.files.get(file) ?? big)}. ` +
        'Fetch or convert the model again.',
    );
    assert.equal(await keptPieces(page, file), 0);

    web.server.files.set(file, big);
    web.server.log.length = 0;
    assert.equal(await load(page, url), 'loaded');
    assert.deepEqual(requestsFor(file), [`GET ${file}`]);
  });

  it('takes weights with a SHA-256 from the cache without asking', async () => {
    const { url, file } = await serveHashed();
    const page = await web.open();
    await load(page, url);
    web.server.log.length = 0;
    await load(page, url);
    assert.deepEqual(requestsFor(file), []);
  });

  it('hashes what an earlier page has fetched, too', async () => {
    const { url, file, big } = await serveHashed();
    for (const kept of ['right', 'damaged']) {
      const context = await web.browser.newContext();
      const page = await context.newPage();
      await page.goto(`${web.server.origin}/index.html`);
      web.server.faults.set(file, [{ cutAfter: 9 << 20 }, ...Array(5).fill({ status: 503 })]);
      assert.match((await thrown(page, url)).message, /503/);
      assert.ok((await keptPieces(page, file)) > 0);
      await page.reload();
      if (kept === 'right') {
        assert.equal(await load(page, url), 'loaded');
      } else {
        await damageFirstPiece(page, file);
        assert.match((await thrown(page, url)).message, new RegExp(`SHA-256; expected ${hashOf(big)}; found`));
        assert.equal(await keptPieces(page, file), 0);
      }
      const [resumed] = requestsFor(file).slice(-1);
      assert.match(resumed ?? '', /bytes=\d{7}-$/);
      await context.close();
    }
  });

  it('refuses weights of another size', async () => {
    web.server.files.set(WEIGHTS, weights.subarray(4));
    const error = await thrown(await web.open(), base);
    assert.equal(error.name, 'FormatError');
    assert.match(error.message, /model\.onnx_data: size; expected 3\d+ bytes; found 3\d+/);
  });

  it('names the address of a file that is not there', async () => {
    const error = await thrown(await web.open(), `${web.server.origin}/nowhere`);
    assert.deepEqual(error.name, 'IoError');
    assert.match(error.message, /nowhere\/bert4ort\.json: answer of the server; found 404/);
  });

  it('asks for room before it downloads', async () => {
    const page = await web.open();
    await page.evaluate(() => {
      navigator.storage.estimate = async () => ({ quota: 2_000_000, usage: 1_500_000 });
    });
    const error = await thrown(page, base);
    assert.equal(error.name, 'IoError');
    assert.match(error.message, /space in the browser's storage; expected 3\d+ bytes; found 500000 of 2000000 free/);
    assert.ok(!web.server.log.includes(`GET ${WEIGHTS}`));
  });

  it('stops when it is aborted, and goes on from there later', async () => {
    const page = await web.open();
    const error = await page.evaluate(url => globalThis.page.abortAmidWeights(url), base);
    assert.equal(error?.name, 'AbortedError');
    assert.equal(await load(page), 'loaded');
  });

  async function load(page: Page, url = base): Promise<string> {
    await page.waitForFunction(() => 'page' in globalThis);
    return page.evaluate(async address => {
      const model = await globalThis.page.loadModel(address);
      await model.dispose();
      return 'loaded';
    }, url);
  }

  async function thrown(page: Page, url: string): Promise<{ name: string; message: string }> {
    await page.waitForFunction(() => 'page' in globalThis);
    const error = await page.evaluate(
      address => globalThis.page.thrownBy(() => globalThis.page.loadModel(address)),
      url,
    );
    assert.ok(error !== null, `${url} should not load`);
    return error;
  }

  async function hashOfWeights(page: Page): Promise<string> {
    return page.evaluate(url => globalThis.page.hashOfFetched(url, 'onnx/model.onnx_data'), base);
  }

  function requestsFor(file: string): string[] {
    return web.server.log.filter(line => / (\S+)/.exec(line)?.[1] === file);
  }

  /** Weights of 10 MiB whose SHA-256 the manifest holds. */
  async function serveHashed(): Promise<{ url: string; file: string; big: Uint8Array }> {
    const file = '/big/onnx/model.onnx_data';
    const big = new Uint8Array(10 << 20).map((_, i) => i * 31);
    web.server.files.set(file, big);
    await serveBig(big.length, hashOf(big));
    return { url: `${web.server.origin}/big/`, file, big };
  }

  /** How many pieces of a file the page's cache holds. */
  async function keptPieces(page: Page, file: string): Promise<number> {
    return page.evaluate(async path => {
      const keys = await (await caches.open('bert4ort')).keys();
      return keys.filter(({ url }) => new URL(url).pathname === path && !url.endsWith('record')).length;
    }, file);
  }

  async function damageFirstPiece(page: Page, file: string): Promise<void> {
    await page.evaluate(async path => {
      const cache = await caches.open('bert4ort');
      const key = (await cache.keys()).find(({ url }) => new URL(url).pathname === path && url.endsWith('-0'));
      if (key === undefined) throw new Error(`no piece of ${path}`);
      const bytes = new Uint8Array(await ((await cache.match(key)) ?? new Response()).arrayBuffer());
      await cache.put(key, new Response(bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte))));
    }, file);
  }

  /** The manifest with other weights: fetching is all that matters, since the graph would not open. */
  async function serveBig(size: number, sha256?: string): Promise<void> {
    const folder = path.join(web.folder, 'qa-unilm');
    web.server.folders.set('/big/', folder);
    const manifest = await readFile(path.join(folder, 'bert4ort.json'), 'utf8');
    const hash = sha256 === undefined ? '' : `, "sha256": "${sha256}"`;
    const changed = manifest.replaceAll(`"size": ${weights.length}`, `"size": ${size}${hash}`);
    web.server.files.set('/big/bert4ort.json', new TextEncoder().encode(changed));
  }
});

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
