/**
 * Devices in Node: a device asked for by name is used or refused with what it lacks, never replaced; and WebGPU, where a
 * Vulkan driver lets it run, computes what the CPU computes.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SessionError } from '../../src/core/errors.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { loadModel } from '../../src/node.ts';
import { diagnoseDevice, requireDevice } from '../../src/session/diagnosis/device.ts';
import type { PlacedNode } from '../../src/session/diagnosis/placement.ts';
import { chooseDevice, nodeDevices } from '../../src/session/node-devices.ts';
import { nodeProvider } from '../../src/session/node-session.ts';
import { probeFeeds } from '../../src/session/web-probe.ts';
import { callCli } from '../cli/run-cli.ts';
import { convertCase, recordedCases } from '../parity/recorded-cases.ts';
import { tinyGraph, tinyPorts } from './tiny-graph.ts';

/** Chromium's software driver, which WebGPU accepts; older Mesa software drivers it refuses. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

const NAMES = ['cpu', 'cuda', 'webgpu'] as const;

describe('device choice', () => {
  it('gives every device that is offered, with the reason', () => {
    assert.deepEqual(
      NAMES.map(device => chooseDevice(device).reason),
      NAMES.map(() => 'asked for by name'),
    );
    assert.match(chooseDevice('auto').reason, /auto means the CPU/);
  });

  it('never names a second provider, and passes the GPU number on', () => {
    const providers = (options: { deviceId?: number }) =>
      NAMES.map(name => nodeDevices[name].executionProviders(options));
    assert.deepEqual(providers({}), [['cpu'], [{ name: 'cuda' }], [{ name: 'webgpu' }]]);
    assert.deepEqual(providers({ deviceId: 1 })[1], [{ name: 'cuda', deviceId: 1 }]);
  });
});

describe('a device by name', () => {
  it('is refused with every file that it lacks', async function () {
    const { problems } = diagnoseDevice('cuda');
    // A machine that has all of CUDA has nothing to refuse.
    if (problems.length === 0) this.skip();
    const opening = nodeProvider.open({ graph: tinyGraph(), data: [] }, tinyPorts, { device: 'cuda' });
    await assert.rejects(opening, error => {
      assert.ok(error instanceof SessionError);
      for (const { file, fix } of problems) {
        assert.ok(error.message.includes(file), file);
        assert.ok(error.message.includes(fix), fix);
      }
      return /^device cuda; expected every library that it needs; found lib/.test(error.message);
    });
  });

  it('needs no look where it needs no library', () => {
    assert.deepEqual(diagnoseDevice('cpu'), { device: 'cpu', problems: [], facts: [] });
    assert.equal(requireDevice('cpu', {}), undefined);
  });
});

describe('WebGPU in Node', function () {
  this.timeout(240_000);
  const known = process.env['VK_DRIVER_FILES'];
  let folder = '';

  before(async function () {
    const found = existsSync(SWIFTSHADER);
    if (known === undefined && found) process.env['VK_DRIVER_FILES'] = SWIFTSHADER;
    const { problems } = diagnoseDevice('webgpu');
    if (process.platform !== 'linux' || !(found || known !== undefined) || problems.length > 0) {
      const lack = problems.map(({ file, why }) => `${file} ${why}`).join('; ') || 'a driver that WebGPU accepts';
      console.warn(`      skipped: WebGPU has nothing to run on here (${lack})`);
      this.skip();
    }
    folder = mkdtempSync(path.join(tmpdir(), 'bert4ort-webgpu-'));
  });
  after(() => {
    if (known === undefined) delete process.env['VK_DRIVER_FILES'];
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  // The probe's length is 40: from 32 on, fused attention has been seen to be wrong without any error. One model, since
  // a software driver compiles shaders for seconds; test/bench/gpu compares more.
  it('computes what the CPU computes', async () => {
    const recorded = recordedCases(['bert']).find(({ name }) => name === 'bert-lm');
    assert.ok(recorded);
    await convertCase(recorded, await directorySink(folder, { overwrite: true }));
    const models = await Promise.all(
      (['webgpu', 'cpu'] as const).map(device => loadModel(folder, { session: { device } })),
    );
    const [candidate, reference] = await Promise.all(models.map(model => model.openGraph('model')));
    assert.ok(candidate && reference);
    assert.equal(candidate.device.device, 'webgpu');
    const feeds = probeFeeds(reference);
    const [found, expected] = [await candidate.run(feeds, ['logits']), await reference.run(feeds, ['logits'])];
    const wanted = expected['logits']?.data ?? [];
    assert.ok(wanted.length >= 40 * 60);
    for (let i = 0; i < wanted.length; i++) {
      const difference = Math.abs(Number(found['logits']?.data[i]) - Number(wanted[i]));
      assert.ok(difference < 1e-3, `element ${i} is ${difference} apart`);
    }
    for (const model of models) await model.dispose();
  });

  it('is verified: the graphs agree, and only shapes and masks stay on the CPU', async () => {
    const { code, stdout } = await callCli(['verify', folder, '--device', 'webgpu', '--json']);
    const { failed, checks, strays } = JSON.parse(stdout) as Verified;
    assert.equal(code, 0, stdout);
    assert.equal(failed, 0);
    assert.ok(checks.some(({ what }) => what === 'step against model'));
    assert.deepEqual(Object.keys(strays), ['model', 'encoder', 'step']);
    for (const nodes of Object.values(strays)) {
      assert.ok(nodes.length > 0);
      for (const { provider, output } of nodes) {
        assert.deepEqual([provider, output], ['CPUExecutionProvider', 'shapes and masks']);
      }
    }
  });
});

interface Verified {
  readonly failed: number;
  readonly checks: readonly { readonly what: string }[];
  readonly strays: Readonly<Record<string, readonly PlacedNode[]>>;
}
