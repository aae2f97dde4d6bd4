/**
 * The generation cache in GPU buffers: the numbers of a cache in arrays, whatever requests do; in a step nothing of the
 * past crosses; and no buffer is left behind. The GPU is one imitated by the browser on the CPU.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadModel } from '../../src/node.ts';
import { requestOf } from '../generation/random-requests.ts';
import { webFixture } from './fixture.ts';
import { watchGpu } from './gpu-watch.ts';

/** Largest difference of a score, absolute or relative. */
const TOLERANCE = 1e-3;

describe('generation cache on WebGPU', () => {
  const web = webFixture();
  const open = () => web.open(page => page.addInitScript(watchGpu));
  const options = () => ({ wasmPaths: `${web.server.origin}/ort/` });

  for (const name of ['qa-unilm', 'chat-nezha', 'completion-gpt2']) {
    it(`scores trees of several requests of ${name} as WebAssembly does one alone`, async () => {
      const base = await web.serve(name);
      const model = await loadModel(`${web.folder}/${name}`);
      const requests = fc.sample(requestOf(model), { numRuns: 6, seed: 7 });
      await model.dispose();
      const page = await open();
      const found = await page.evaluate(([url, all, how]) => globalThis.page.compareTrees(url, all, how), [
        base,
        requests,
        options(),
      ] as const);
      assert.ok(found.scores > 1000, `${found.scores} scores`);
      assert.ok(found.difference <= TOLERANCE, `difference ${found.difference}`);
      assert.equal(found.bytes, 0);
      // The plan of copies stays until the session goes.
      assert.ok(found.left.cacheBuffers <= 1, JSON.stringify(found.left));
      assert.equal(found.disposed.cacheBuffers, 0);
      await page.context().close();
    });
  }

  it('lets nothing of the past cross in a step', async () => {
    const base = await web.serve('qa-unilm');
    const page = await open();
    const { steps, slotBytes, released } = await page.evaluate(
      ([url, how]) => globalThis.page.traceSteps(url, [8, 120], 6, how),
      [base, options()] as const,
    );
    const [short, long] = steps.map(own => own.at(-1)?.traffic ?? assert.fail('no step'));
    const slots = ((long?.cacheBytes ?? 0) - (short?.cacheBytes ?? 0)) / slotBytes;
    assert.ok(slots > 100, `${slots} slots more`);
    // Of each slot only whether a row sees it.
    const uploaded = (long?.uploaded ?? Number.NaN) - (short?.uploaded ?? 0);
    assert.ok(uploaded <= 8 * slots, `${uploaded} bytes more for ${slots} slots of ${slotBytes} bytes`);
    assert.equal(long?.downloaded, short?.downloaded);
    assert.ok(released.cacheBuffers <= 1, `${released.cacheBuffers} buffers`);
    await page.context().close();
  });

  it('goes on with dialogues that rested', async () => {
    const base = await web.serve('chat-nezha');
    const page = await open();
    const [wasm, webgpu] = await page.evaluate(
      async ([url, how]) => [
        await globalThis.page.converse(url, { ...how, device: 'wasm' }),
        await globalThis.page.converse(url, { ...how, device: 'webgpu' }),
      ],
      [base, options()] as const,
    );
    assert.deepEqual(webgpu, wasm);
    await page.context().close();
  });

  it('says so when the GPU has no room, and computes again', async () => {
    const base = await web.serve('qa-unilm');
    const page = await open();
    const found = await page.evaluate(([url, how]) => globalThis.page.failAllocation(url, how), [
      base,
      options(),
    ] as const);
    assert.equal(found.length, 2);
    for (const { message, cacheBuffers, again } of found) {
      assert.match(message, /^SessionError: cache on the GPU; found .+/);
      assert.equal(cacheBuffers, 0);
      assert.ok(again > 0);
    }
    await page.context().close();
  });
});
