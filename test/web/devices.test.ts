/**
 * Devices in a browser: what runs where, what is refused, and what becomes of a lost GPU. The GPU is one imitated by the
 * browser on the CPU; what WebGPU gives is compared with WebAssembly in every element.
 */
import assert from 'node:assert/strict';
import { PATIENCE } from './browser.ts';
import { webFixture } from './fixture.ts';

/** WebGPU sums in another order; the imitation is no worse than GPUs are. */
const TOLERANCE = 1e-3;

const ids = [2, ...Array.from({ length: 44 }, (_, i) => 100 + i), 3, 200, 201, 3];
const segments = ids.map((_, i) => (i > 45 ? 1 : 0));

describe('devices in a browser', () => {
  const web = webFixture();
  let ort = '';

  before(async function () {
    this.timeout(PATIENCE);
    ort = `${web.server.origin}/ort/`;
    await web.serve('qa-unilm');
  });

  it('gives the same on WebAssembly and WebGPU, in a worker and in the page', async () => {
    const base = await web.serve('qa-unilm');
    const page = await web.open();
    const run = (device: 'wasm' | 'webgpu', worker: boolean) =>
      page.evaluate(([url, i, s, options]) => globalThis.page.logits(url, i, s, options), [
        base,
        ids,
        segments,
        { device, worker, wasmPaths: ort },
      ] as const);
    const expected = await run('wasm', false);
    assert.match(expected.device?.reason ?? '', /asked for by name; \d threads/);
    assert.deepEqual((await run('wasm', true)).logits, expected.logits);
    const gpu = await run('webgpu', true);
    assert.deepEqual(gpu.device, { device: 'webgpu', reason: 'asked for by name' });
    assert.equal(gpu.logits.length, expected.logits.length);
    for (const [i, logit] of gpu.logits.entries()) {
      assert.ok(Math.abs(logit - (expected.logits[i] ?? Number.NaN)) <= TOLERANCE, `logit ${i}: ${logit}`);
    }
  });

  it('takes WebAssembly for auto where the GPU is imitated, and says so', async () => {
    const base = await web.serve('qa-unilm');
    const page = await web.open();
    const { device } = await page.evaluate(
      ([url, wasmPaths]) => globalThis.page.logits(url, [2, 3], [0, 0], { wasmPaths }),
      [base, ort] as const,
    );
    assert.equal(device?.device, 'wasm');
    assert.match(device?.reason ?? '', /imitated on the CPU; \d threads/);
  });

  it('says in one phrase why auto has no WebGPU', async () => {
    const base = await web.serve('qa-unilm');
    const page = await web.open();
    const reasonWithout = (missing: 'adapter' | 'WebGPU') =>
      page.evaluate(
        async ([url, wasmPaths, what]) => {
          const gpu = what === 'WebGPU' ? undefined : { requestAdapter: Promise.resolve.bind(Promise, null) };
          Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
          const { device } = await globalThis.page.logits(url, [2], [0], { worker: false, wasmPaths });
          return device?.reason;
        },
        [base, ort, missing] as const,
      );
    assert.match((await reasonWithout('adapter')) ?? '', /^WebGPU can't be used: no adapter; \d threads$/);
    assert.match(
      (await reasonWithout('WebGPU')) ?? '',
      /^WebGPU can't be used: this browser, or this insecure page, has none; /,
    );
  });

  it('refuses a device that was asked for and is not there', async () => {
    const base = await web.serve('qa-unilm');
    const page = await web.open();
    const error = await page.evaluate(
      ([url, wasmPaths]) => {
        Object.defineProperty(navigator, 'gpu', { value: undefined });
        const options = { device: 'webgpu', worker: false, wasmPaths } as const;
        return globalThis.page.thrownBy(() => globalThis.page.logits(url, [2], [0], options));
      },
      [base, ort] as const,
    );
    assert.equal(error?.name, 'SessionError');
    assert.match(error?.message ?? '', /^WebGPU; found this browser, or this insecure page, has none/);
  });

  it('uses one thread on a page that is not isolated, and refuses more', async () => {
    const base = await web.serve('qa-unilm');
    web.server.settings.isolated = false;
    try {
      const page = await web.open();
      const { device } = await page.evaluate(
        ([url, wasmPaths]) => globalThis.page.logits(url, [2, 3], [0, 0], { device: 'wasm', wasmPaths }),
        [base, ort] as const,
      );
      assert.match(device?.reason ?? '', /1 thread, as the page is not crossOriginIsolated/);
      const error = await page.evaluate(
        ([url, wasmPaths]) => {
          const options = { device: 'wasm', threads: 2, wasmPaths } as const;
          return globalThis.page.thrownBy(() => globalThis.page.logits(url, [2], [0], options));
        },
        [base, ort] as const,
      );
      assert.equal(error?.name, 'SessionError');
      assert.match(error?.message ?? '', /Cross-Origin-Opener-Policy/);
    } finally {
      web.server.settings.isolated = true;
    }
  });

  it('ends with an error when the worker can not be loaded', async () => {
    const base = await web.serve('qa-unilm');
    const page = await web.open();
    const error = await page.evaluate(url => globalThis.page.runInMissingWorker(url), base);
    assert.equal(error?.name, 'SessionError');
    assert.match(error?.message ?? '', /^session worker; found its file could not be loaded/);
  });

  it('names the file when ONNX Runtime can not be loaded', async () => {
    const base = await web.serve('qa-unilm');
    const page = await web.open();
    const error = await page.evaluate(
      ([url, wasmPaths]) => {
        const options = { device: 'wasm', wasmPaths } as const;
        return globalThis.page.thrownBy(() => globalThis.page.logits(url, [2], [0], options));
      },
      [base, `${web.server.origin}/nowhere/`] as const,
    );
    assert.equal(error?.name, 'SessionError');
    assert.match(error?.message ?? '', /nowhere/);
  });

  it('takes WebGPU for auto where it is as right and faster, once for all graphs', async () => {
    const base = await web.serve('qa-unilm');
    const page = await web.open();
    const found = await page.evaluate(([url, tokens, path]) => globalThis.page.takeFasterGpu(url, tokens, path), [
      base,
      ids,
      ort,
    ] as const);
    assert.equal(found.trials, 1, JSON.stringify(found.devices));
    for (const { device, reason } of found.devices) {
      assert.equal(device, 'webgpu');
      assert.match(reason, /^same numbers to \S+, 1\.0 ms a run against 2\.0 ms on WebAssembly/);
    }
    const expected = await page.evaluate(
      ([url, tokens, wasmPaths]) =>
        globalThis.page.logits(
          url,
          tokens,
          tokens.map(() => 0),
          { device: 'wasm', wasmPaths },
        ),
      [base, ids, ort] as const,
    );
    assert.equal(found.logits.length, expected.logits.length);
    for (const [i, logit] of found.logits.entries()) {
      assert.ok(Math.abs(logit - (expected.logits[i] ?? Number.NaN)) <= TOLERANCE, `logit ${i}: ${logit}`);
    }
    await page.context().close();
  });

  it('compares a device with a reference before auto trusts it', async () => {
    const base = await web.serve('chat-nezha');
    const page = await web.open();
    for (const graph of ['model', 'step'] as const) {
      const result = await page.evaluate(([url, name, wasmPaths]) => globalThis.page.probe(url, name, { wasmPaths }), [
        base,
        graph,
        ort,
      ] as const);
      assert.ok(result.agrees && result.difference > 0 && result.difference < TOLERANCE, JSON.stringify(result));
      assert.ok(result.candidateMs > 0 && result.referenceMs > 0);
    }
  });

  it('leaves only masks and shapes to the CPU', async () => {
    const base = await web.serve('qa-unilm');
    for (const graph of ['model', 'step'] as const) {
      const page = await web.open();
      const log: string[] = [];
      page.on('console', message => log.push(message.text()));
      await page.evaluate(([url, name, wasmPaths]) => globalThis.page.logPlacements(url, name, wasmPaths), [
        base,
        graph,
        ort,
      ] as const);
      const { cpu, webgpu } = placements(log);
      assert.ok(webgpu.length > 100, `${webgpu.length} nodes on the GPU`);
      // How many tokens are named is a shape, too; the branch that names them is not taken on a GPU.
      const others = cpu.filter(
        node => !/\(\/(Attention-Mask|Top-Tokens)\/|^(Shape|Concat|Unsqueeze|Squeeze|Slice|Gather) /.test(node),
      );
      assert.deepEqual(others, [], graph);
      await page.close();
    }
  });

  it('ends runs with an error when the GPU is lost, and opens again on a fresh one', async () => {
    const base = await web.serve('qa-unilm');
    const page = await web.open();
    const { error, again } = await page.evaluate(([url, wasmPaths]) => globalThis.page.loseGpu(url, { wasmPaths }), [
      base,
      ort,
    ] as const);
    assert.equal(error?.name, 'SessionError');
    assert.match(error?.message ?? '', /^WebGPU device; found lost \(destroyed\)/);
    assert.equal(again, 'webgpu');
  });

  it('ends a reply with an error when the GPU is lost meanwhile, and writes the next one', async () => {
    const base = await web.serve('chat-nezha');
    const page = await web.open();
    const { error, again } = await page.evaluate(
      ([url, wasmPaths]) => globalThis.page.loseGpuWhileWriting(url, { wasmPaths }),
      [base, ort] as const,
    );
    assert.equal(error?.name, 'SessionError');
    assert.match(error?.message ?? '', /^WebGPU device; found lost \(destroyed\)/);
    assert.notEqual(again, '');
    await page.context().close();
  });
});

/** Nodes by execution provider, from what ONNX Runtime logs when it is asked for everything. */
function placements(log: readonly string[]): { readonly cpu: string[]; readonly webgpu: string[] } {
  const found = { cpu: [] as string[], webgpu: [] as string[] };
  let current: string[] | undefined;
  for (const line of log) {
    const provider = /placed on \[(\w+)ExecutionProvider\]/.exec(line)?.[1];
    if (provider !== undefined) current = provider === 'CPU' ? found.cpu : found.webgpu;
    else current?.push(...(/VerifyEachNodeIsAssignedToAnEp\] {3}(\S+ \(.+\))/.exec(line)?.slice(1) ?? []));
  }
  return found;
}
