/** `bert4ort doctor`: facts, missing files by name, exit codes, and where a model's operators run. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { doctorText } from '../../src/cli/doctor-text.ts';
import { VERSION } from '../../src/core/version.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { diagnoseDevice } from '../../src/session/diagnosis-node.ts';
import { countNodes } from '../../src/session/diagnosis-placement-node.ts';
import { convertCase, recordedCases } from '../parity/recorded-cases.ts';
import { callCli } from './run-cli.ts';

describe('bert4ort doctor', () => {
  it('says what there is, and exits with 0 where the CPU works', async () => {
    const { code, stdout } = await callCli(['doctor', '--json']);
    const report = JSON.parse(stdout);
    assert.equal(code, 0);
    assert.equal(report.bert4ort, VERSION);
    assert.match(report.onnxruntimeNode, /^1\.\d+\.\d+$/);
    assert.equal(report.machine.node, process.versions.node);
    assert.ok(report.machine.cores >= report.machine.threads && report.machine.threads > 0);
    assert.ok(report.machine.memory.total > report.machine.memory.free);
    assert.ok(report.backends.some((backend: { name: string }) => backend.name === 'webgpu'));
    const states = report.devices.map(({ device, works }: { device: string; works: boolean }) => [device, works]);
    assert.deepEqual(states[0], ['cpu', true]);
    assert.deepEqual(
      states.slice(1).map(([device]: [string]) => device),
      ['cuda', 'webgpu'],
    );
  });

  it('names every missing file of a device asked for, and exits with 1', async function () {
    const { problems } = diagnoseDevice('cuda');
    if (problems.length === 0) this.skip();
    const { code, stdout } = await callCli(['doctor', '--device', 'cuda']);
    assert.equal(code, 1);
    assert.match(stdout, /cuda: does not work; files are missing/);
    for (const { file, why, fix } of problems) assert.ok(stdout.includes(`${file}: ${why}. ${fix}`), file);
  });

  it('counts the operators of a model by provider', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-doctor-'));
    try {
      const recorded = recordedCases(['bert']).find(({ name }) => name === 'bert-lm');
      assert.ok(recorded);
      await convertCase(recorded, await directorySink(folder, { overwrite: true }));
      const { code, stdout } = await callCli(['doctor', folder, '--json']);
      assert.equal(code, 0);
      const { graphs } = JSON.parse(stdout);
      assert.deepEqual(
        graphs.map((graph: { graph: string }) => graph.graph),
        ['model', 'encoder', 'step'],
      );
      for (const { placements, problem, bytes } of graphs) {
        assert.equal(problem, null);
        assert.ok(bytes > 10_000);
        assert.equal(placements.length, 1);
        assert.equal(placements[0].provider, 'CPUExecutionProvider');
        // Two layers with two products of attention each, at the least.
        assert.ok(placements[0].operators.MatMul + (placements[0].operators.FusedMatMul ?? 0) >= 4);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('exits with 1 for a model that is not there', async () => {
    const { code, stderr } = await callCli(['doctor', 'nothing']);
    assert.equal(code, 1);
    assert.match(stderr, /bert4ort: nothing: listing/);
  });

  it('counts each node of a profile once, and shows what stayed on the CPU', async () => {
    const node = (name: string, provider: string, op_name: string) => ({
      cat: 'Node',
      name,
      args: { provider, op_name },
    });
    const gpu = 'WebGpuExecutionProvider';
    const profile = [
      { cat: 'Session', name: 'model_run' },
      node('/a/MatMul_kernel_time', gpu, 'MatMul'),
      node('/a/MatMul_kernel_time', gpu, 'MatMul'),
      node('/b/MatMul_kernel_time', gpu, 'MatMul'),
      node('/c/Range_kernel_time', 'CPUExecutionProvider', 'Range'),
      node('/c/Range_fence_before', 'CPUExecutionProvider', 'Range'),
    ];
    const placements = countNodes('run.json', JSON.stringify(profile));
    assert.deepEqual(placements, [
      { provider: gpu, nodes: 2, operators: { MatMul: 2 } },
      { provider: 'CPUExecutionProvider', nodes: 1, operators: { Range: 1 } },
    ]);
    assert.throws(() => countNodes('run.json', '{}'), /run\.json: profile of ONNX Runtime; expected a JSON list/);
    const { stdout } = await callCli(['doctor', '--json']);
    const report = { ...JSON.parse(stdout), graphs: [{ graph: 'model', bytes: 3 << 20, placements, problem: null }] };
    assert.match(doctorText(report), /3 MiB.*2 on WebGpu; 1 on CPU \(Range\)/);
  });
});
