/**
 * Models that come and go in one page: what scripts, WebAssembly and the GPU hold afterwards is what they held before, and
 * a model's worker is gone with it.
 */
import assert from 'node:assert/strict';
import type { CDPSession, Page } from 'playwright-core';
import type { WebModelOptions } from '../../src/web.ts';
import { bytesOfScripts, type HeapSnapshot } from '../script-memory.ts';
import { bePatient, PATIENCE } from './browser.ts';
import { webFixture } from './fixture.ts';

/** All of the cycles on the imitated GPU, which takes seconds for each. */
const ALL = process.env['BERT4ORT_ALL_CYCLES'] === '1';

/** Cycles before the first measurement: code is compiled, ONNX Runtime's memory has its size. */
const WARM_UP = 5;

/** Most bytes that scripts may hold more, however many models came and went: a callback kept for each of 95 is above it. */
const SLACK = 4000;

/** What is alive in a page. */
interface Held {
  /** Bytes of all WebAssembly memories, which never shrink. */
  readonly wasm: number;
  /** Buffers on the GPU that were neither destroyed nor collected, and their bytes. */
  readonly buffers: number;
  readonly bufferBytes: number;
  /** Buffers that were ever made: without any, nothing is watched. */
  readonly created: number;
  /** Bytes of what scripts hold, after a collection. */
  readonly scripts: number;
  /** Threads of ONNX Runtime, which stay. */
  readonly workers: number;
}

declare global {
  var held: () => Omit<Held, 'scripts' | 'workers'>;
}

describe('memory of a page', () => {
  const web = webFixture();
  bePatient();

  /** What a page holds after a few models, and after many. */
  async function holdings(page: Page, cycles: number, options: WebModelOptions): Promise<readonly [Held, Held]> {
    const base = await web.serve('chat-nezha');
    const settings = { ...options, wasmPaths: `${web.server.origin}/ort/` };
    const cycle = async (count: number): Promise<Held> => {
      await page.evaluate(([url, n, how]) => globalThis.page.cycle(url, n, how), [base, count, settings] as const);
      // An ended worker whose threads wait for work is there until the browser ends them by force, seconds later.
      if (options.worker !== false) await Promise.all(page.workers().map(worker => worker.waitForEvent('close')));
      return measure(page);
    };
    const before = await cycle(WARM_UP);
    const after = await cycle(cycles - WARM_UP);
    console.info(`    before ${JSON.stringify(before)}\n    after  ${JSON.stringify(after)}`);
    assert.ok(after.scripts - before.scripts < SLACK, `scripts: ${before.scripts} to ${after.scripts} bytes`);
    return [before, after];
  }

  for (const [device, cycles] of [
    ['wasm', 100],
    ['webgpu', ALL ? 100 : 7],
  ] as const) {
    it(`is the same after ${cycles} models on ${device}`, async function () {
      this.timeout(ALL ? 10 * PATIENCE : PATIENCE);
      const page = await web.open(opened => opened.addInitScript(watchMemory));
      const [before, after] = await holdings(page, cycles, { device, worker: false });
      assert.ok(after.workers <= before.workers, `${before.workers} to ${after.workers} workers`);
      assert.equal(after.wasm, before.wasm);
      assert.ok(after.buffers <= before.buffers, `${before.buffers} to ${after.buffers} buffers on the GPU`);
      assert.ok(after.bufferBytes <= before.bufferBytes);
      if (device === 'webgpu') assert.ok(after.created > before.created, 'no buffer was made on the GPU');
      await page.context().close();
    });
  }

  it('is the same after 100 models in workers, which end with their models', async () => {
    const page = await web.open(opened => opened.addInitScript(watchMemory));
    let started = 0;
    page.on('worker', () => started++);
    const [, after] = await holdings(page, 100, { device: 'wasm' });
    assert.ok(started >= 100, `${started} workers`);
    assert.equal(after.wasm, 0);
    assert.equal(after.workers, 0);
    await page.context().close();
  });

  for (const worker of [false, true]) {
    it(`holds nothing of runs that are over ${worker ? 'in a worker' : 'in the page'}`, async () => {
      const base = await web.serve('chat-nezha');
      const page = await web.open(opened => opened.addInitScript(watchMemory));
      const options = { device: 'wasm', worker, wasmPaths: `${web.server.origin}/ort/` } as const;
      const model = await page.evaluateHandle(([url, how]) => globalThis.page.loadModel(url, how), [
        base,
        options,
      ] as const);
      const run = async (count: number, tokens: number): Promise<Held> => {
        await model.evaluate(
          async (loaded, [n, length]) => {
            const graph = await loaded.openGraph('model');
            const ids = { dtype: 'int64', shape: [1, length], data: new BigInt64Array(length) } as const;
            const feeds = Object.fromEntries(graph.inputs.map(({ name }) => [name, ids]));
            for (let i = 0; i < n; i++) await graph.run(feeds, ['logits']);
          },
          [count, tokens] as const,
        );
        return measure(page);
      };
      await run(WARM_UP, 64);
      // The last run of the next measurement has more to hold.
      const before = await run(WARM_UP, 8);
      const after = await run(100, 64);
      assert.ok(after.scripts - before.scripts < SLACK, `scripts: ${before.scripts} to ${after.scripts} bytes`);
      await page.context().close();
    });
  }
});

async function measure(page: Page): Promise<Held> {
  const session = await page.context().newCDPSession(page);
  const scripts = bytesOfScripts(await takeSnapshot(session));
  const watched = await page.evaluate(() => globalThis.held());
  await session.detach();
  return { ...watched, scripts, workers: page.workers().length };
}

async function takeSnapshot(session: CDPSession): Promise<HeapSnapshot> {
  const chunks: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await session.send('HeapProfiler.enable');
  // What a first collection finalizes, the next frees; the snapshot collects once more.
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  return JSON.parse(chunks.join(''));
}

/** Runs in the page before any script: notes every WebAssembly memory and every buffer on the GPU. */
function watchMemory(): void {
  const memories: WeakRef<WebAssembly.Memory>[] = [];
  const buffers = new Set<WeakRef<GPUBuffer>>();
  WebAssembly.Memory = class extends WebAssembly.Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memories.push(new WeakRef(this));
    }
  };
  let created = 0;
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = create.call(this, descriptor);
    const reference = new WeakRef(buffer);
    created++;
    buffers.add(reference);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      buffers.delete(reference);
      destroy();
    };
    return buffer;
  };
  globalThis.held = () => {
    const alive = [...buffers].flatMap(reference => reference.deref() ?? []);
    return {
      wasm: memories.reduce((sum, memory) => sum + (memory.deref()?.buffer.byteLength ?? 0), 0),
      buffers: alive.length,
      created,
      bufferBytes: alive.reduce((sum, { size }) => sum + size, 0),
    };
  };
}
