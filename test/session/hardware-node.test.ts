import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { checkCount, defaultThreads, hardwareName, physicalCores } from '../../src/session/hardware-node.ts';

describe('hardware', () => {
  it('counts two threads of one core once', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-cores-'));
    const siblings = ['0,4', '1,5', '2,6', '3', '0,4', '1,5', '2,6'];
    for (const [cpu, list] of siblings.entries()) {
      await mkdir(path.join(folder, `cpu${cpu}`, 'topology'), { recursive: true });
      await writeFile(path.join(folder, `cpu${cpu}`, 'topology', 'thread_siblings_list'), `${list}\n`);
    }
    await mkdir(path.join(folder, 'cpufreq'));
    await mkdir(path.join(folder, 'cpu7'), { recursive: true });
    assert.equal(physicalCores(folder), 4);
    assert.equal(physicalCores(path.join(folder, 'cpufreq')), null, 'none listed');
    assert.equal(physicalCores(path.join(folder, 'elsewhere')), null);
    await rm(folder, { recursive: true });
  });

  it('gives a session no more threads than this process may use', () => {
    assert.ok(defaultThreads() >= 1);
    assert.ok(defaultThreads() <= Math.min(16, availableParallelism()));
  });

  it('names the processor', () => assert.equal(hardwareName('cpu'), cpus()[0]?.model.trim()));

  it('refuses counts that make no sense', () => {
    assert.equal(checkCount('threads', 1, 1), 1);
    assert.equal(checkCount('workers', 1024, 0), 1024);
    for (const count of [0, -1, 1.5, 1025, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => checkCount('threads', count, 1), {
        code: 'CONFIG',
        message: /threads; expected a whole number/,
      });
    }
  });
});
