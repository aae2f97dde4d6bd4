/** `bert4ort doctor`: facts, missing files by name, exit codes, and where a model's operators run. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GraphReport } from '../../src/cli/doctor-report.ts';
import { doctorText } from '../../src/cli/doctor-text.ts';
import { strayLines } from '../../src/cli/place-graphs.ts';
import { VERSION } from '../../src/core/version.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { diagnoseDevice } from '../../src/session/diagnosis/device.ts';
import { countByProvider, readNodes, strayNodes } from '../../src/session/diagnosis/placement.ts';
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

  it('runs the LSTMs of a cloze model too', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-doctor-'));
    try {
      const source = 'examples/models/cloze-bilstm';
      const files = ['--config', `${source}/model.config`, '--checkpoint', `${source}/tk/tk_highest.ckpt`];
      await callCli(['convert', ...files, '--model', 'cloze-bilstm', '--out', `${folder}/cloze`]);
      const { code, stdout } = await callCli(['doctor', `${folder}/cloze`, '--json']);
      assert.equal(code, 0);
      const [{ placements, problem }] = JSON.parse(stdout).graphs;
      assert.equal(problem, null);
      assert.equal(placements[0].operators.LSTM, 4);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('exits with 1 for a model that is not there', async () => {
    const { code, stderr } = await callCli(['doctor', 'nothing']);
    assert.equal(code, 1);
    assert.match(stderr, /bert4ort: nothing: listing/);
  });

  describe('reading a profile', () => {
    const gpu = 'WebGpuExecutionProvider';
    const cpu = 'CPUExecutionProvider';
    const event = (name: string, provider: string, types: readonly string[]) => ({
      cat: 'Node',
      name,
      args: {
        provider,
        op_name: name.replace(/.*\/|_.*/g, ''),
        output_type_shape: types.map(type => ({ [type]: [2] })),
      },
    });
    const profile = [
      { cat: 'Session', name: 'model_run' },
      event('/a/MatMul_kernel_time', gpu, ['float']),
      event('/a/MatMul_kernel_time', gpu, ['float']),
      event('/b/MatMul_kernel_time', gpu, ['float16']),
      event('/c/Range_kernel_time', cpu, ['int64']),
      event('/c/Range_fence_before', cpu, ['int64']),
      event('/d/Less_kernel_time', cpu, ['bool']),
      event('/e/LSTM_kernel_time', cpu, ['float', 'float']),
    ];
    const nodes = readNodes('run.json', JSON.stringify(profile));
    const placements = countByProvider(nodes);
    const strays = strayNodes(nodes, { device: 'webgpu' });
    const graph: GraphReport = { graph: 'model', bytes: 3 << 20, placements, strays, problem: null };

    it('counts each node once, and shows what stayed on the CPU', async () => {
      assert.deepEqual(placements, [
        { provider: cpu, nodes: 3, operators: { Range: 1, Less: 1, LSTM: 1 } },
        { provider: gpu, nodes: 2, operators: { MatMul: 2 } },
      ]);
      const { stdout } = await callCli(['doctor', '--json']);
      assert.match(doctorText({ ...JSON.parse(stdout), graphs: [graph] }), /3 MiB.*3 on CPU; 2 on WebGpu \(MatMul\)/);
    });

    it('tells the numbers of the network from shapes and masks', () => {
      assert.deepEqual(strays, [
        { name: '/c/Range', operator: 'Range', provider: cpu, output: 'shapes and masks' },
        { name: '/d/Less', operator: 'Less', provider: cpu, output: 'shapes and masks' },
        { name: '/e/LSTM', operator: 'LSTM', provider: cpu, output: 'numbers' },
      ]);
      assert.deepEqual(
        strayNodes(nodes, {}).map(({ name }) => name),
        ['/a/MatMul', '/b/MatMul'],
      );
      assert.deepEqual(strayLines(graph, 'webgpu'), [
        'model, numbers, not on webgpu (1):',
        '  LSTM /e/LSTM on CPU',
        'model, shapes and masks, not on webgpu (2):',
        '  Range /c/Range on CPU',
        '  Less /d/Less on CPU',
      ]);
    });

    it('refuses what is none', () => {
      assert.throws(() => readNodes('run.json', '{}'), /run\.json: profile of ONNX Runtime; expected a JSON list/);
    });
  });
});
