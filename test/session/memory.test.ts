/**
 * Models that come and go in one Node process, in its thread and in workers: memory and threads afterwards are what they
 * were before.
 *
 * The process runs what esbuild made of the sources, since tsx keeps a message port for every worker that registers it.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { openExample } from '../parity/example-models.ts';
import type { Holdings } from './memory-process.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

const MODELS = 100;

/** Most bytes that may be held more, however many models came and went: a callback kept for each of 80 is above it. */
const SLACK = 8000;

/** Most bytes that may be resident on top: a quarter of all those models' weights, as allocators keep pages. */
const RESIDENT = 60_000_000;

describe('memory of a process', () => {
  let model: Awaited<ReturnType<typeof openExample>>;
  let folder = '';

  before(async () => {
    model = await openExample('chat-nezha');
    folder = path.dirname(model.directory);
    const sources = ['test/session/memory-process.ts', 'src/session/worker-entry-node.ts'];
    await build({
      entryPoints: sources.map(source => path.join(ROOT, source)),
      entryNames: '[name]',
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['onnxruntime-node'],
      outdir: folder,
      logLevel: 'error',
    });
    await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  });

  after(() => model.close());

  for (const workers of [0, 2]) {
    it(`is the same after ${MODELS} models in ${workers === 0 ? 'its thread' : `${workers} workers`}`, async () => {
      const [before, after] = await holdings(workers);
      for (const name of ['scripts', 'arrayBuffers', 'external'] as const) {
        assert.ok(after[name] - before[name] < SLACK, `${name}: ${before[name]} to ${after[name]} bytes`);
      }
      assert.ok(after.resident - before.resident < RESIDENT, `${before.resident} to ${after.resident} bytes resident`);
      assert.ok(after.threads <= before.threads, `${before.threads} to ${after.threads} threads`);
    });
  }

  /** What a process holds after a few models, and after many. */
  async function holdings(workers: number): Promise<Holdings> {
    const script = path.join(folder, 'memory-process.js');
    const all = ['--expose-gc', script, model.directory, `${workers}`, `${MODELS}`];
    const { stdout } = await promisify(execFile)(process.execPath, all);
    console.info(`    ${stdout.trim()}`);
    return JSON.parse(stdout);
  }
});
