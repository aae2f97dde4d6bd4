/**
 * Models that come and go in one page: what WebAssembly and the GPU hold afterwards is what they held before, and over 100
 * models on WebAssembly the page's heap stays below a model's size. The heap is not held on WebGPU, where it was measured to
 * grow by 25 to 56 kB a model.
 */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { bePatient } from './browser.ts';
import { webFixture } from './fixture.ts';

/** All of the cycles on the imitated GPU, which takes seconds for each. */
const ALL = process.env['BERT4ORT_ALL_CYCLES'] === '1';

/** Cycles before the first measurement: code is compiled, ONNX Runtime's memory has its size. */
const WARM_UP = 5;

/** Most bytes that the JavaScript heap may grow by in 95 models of 6 MB; 440 kB were measured. */
const SLACK = 500_000;

/** What is alive in a page. */
interface Held {
  /** Bytes of all WebAssembly memories, which never shrink. */
  readonly wasm: number;
  /** Buffers on the GPU that were neither destroyed nor collected, and their bytes. */
  readonly buffers: number;
  readonly bufferBytes: number;
  /** Buffers that were ever made: without any, nothing is watched. */
  readonly created: number;
  /** Bytes of JavaScript's heap after a collection. */
  readonly heap: number;
  /** Threads of ONNX Runtime, which stay. */
  readonly workers: number;
}

declare global {
  var held: () => Omit<Held, 'heap' | 'workers'>;
}

describe('memory of a page', () => {
  const web = webFixture();
  bePatient();

  for (const [device, cycles] of [
    ['wasm', 100],
    ['webgpu', ALL ? 100 : 7],
  ] as const) {
    it(`is the same after ${cycles} models on ${device}`, async () => {
      const base = await web.serve('chat-nezha');
      const page = await web.open(opened => opened.addInitScript(watchMemory));
      const options = { device, worker: false, wasmPaths: `${web.server.origin}/ort/` };
      const cycle = (count: number): Promise<void> =>
        page.evaluate(([url, n, how]) => globalThis.page.cycle(url, n, how), [base, count, options] as const);
      await cycle(WARM_UP);
      const before = await measure(page);
      await cycle(cycles - WARM_UP);
      const after = await measure(page);
      console.info(`    before ${JSON.stringify(before)}\n    after  ${JSON.stringify(after)}`);
      assert.ok(after.workers <= before.workers, `${before.workers} to ${after.workers} workers`);
      assert.equal(after.wasm, before.wasm);
      assert.ok(after.buffers <= before.buffers, `${before.buffers} to ${after.buffers} buffers on the GPU`);
      assert.ok(after.bufferBytes <= before.bufferBytes);
      if (device === 'webgpu') assert.ok(after.created > before.created, 'no buffer was made on the GPU');
      if (cycles === 100 && device === 'wasm')
        assert.ok(after.heap - before.heap < SLACK, `heap: ${before.heap} to ${after.heap} bytes`);
      await page.context().close();
    });
  }
});

async function measure(page: Page): Promise<Held> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.enable');
  // What a first collection finalizes, the second frees.
  for (let i = 0; i < 2; i++) await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? Number.NaN;
  const watched = await page.evaluate(() => globalThis.held());
  await session.detach();
  return { ...watched, heap, workers: page.workers().length };
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
