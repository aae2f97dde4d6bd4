/** A model directory, opened: what its options cover, and how it ends. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadModel as loadModelOn } from '../src/model.ts';
import { directorySet, loadModel } from '../src/node.ts';
import type { GraphSession } from '../src/session/session.ts';
import { convertCase } from './generation/converted-case.ts';

describe('a model', () => {
  let folder = '';

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-model-'));
    const { model } = await convertCase('gpt2-cpm', path.join(folder, 'gpt2'));
    await model.dispose();
  });

  after(() => rm(folder, { recursive: true }));

  it('is loaded from a path or a file URL', async () => {
    for (const source of [path.join(folder, 'gpt2'), pathToFileURL(path.join(folder, 'gpt2'))]) {
      const model = await loadModel(source);
      assert.equal(model.manifest.architecture, 'gpt2');
      assert.notEqual(model.profile, undefined);
      await model.dispose();
    }
  });

  it('opens graphs after the signal of its loading is over', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const set = directorySet(path.join(folder, 'gpt2'));
    const inMemory = { ...set, open: (name: string) => bytesOf(set, name) };
    const model = await loadModel(inMemory, { signal });
    controller.abort();
    await model.openGraph('step');
    await model.dispose();
    await assert.rejects(loadModel(inMemory, { signal }), { code: 'ABORTED' });
  });

  it('gives every session back, whatever one of them says', async () => {
    const disposed: string[] = [];
    const open = async (): Promise<GraphSession> => {
      const name = disposed.push('open');
      const dispose = async () => {
        await new Promise(resolve => setTimeout(resolve, name * 10));
        disposed.push(`end ${name}`);
        if (name === 1) throw new Error('a session that does not end well');
      };
      return { device: { device: 'cpu', reason: '' }, inputs: [], outputs: [], run: async () => ({}), dispose };
    };
    const platform = { provider: { open }, sha256: async () => '', readAsset: async () => new Uint8Array() };
    const model = await loadModelOn(directorySet(path.join(folder, 'gpt2')), platform);
    await model.openGraph('model');
    await model.openGraph('step');
    const ends = await Promise.allSettled([model.dispose(), model.dispose()]);
    assert.deepEqual(disposed, ['open', 'open', 'end 1', 'end 2']);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
  });
});

/** A file of a set without its path, as in a browser. */
async function bytesOf(set: ReturnType<typeof directorySet>, name: string) {
  const source = await set.open(name);
  const bytes = await source.read(0, source.size);
  await source.close();
  const read = async (offset: number, length: number) => bytes.slice(offset, offset + length);
  return { name, size: bytes.length, read, close: async () => undefined };
}
