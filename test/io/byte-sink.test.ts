/**
 * One suite for every kind of byte sink, and what a folder adds: nothing half-written is ever seen.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ByteSink } from '../../src/core/byte-source.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { memorySink } from '../../src/io/memory.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-sink-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Kind {
  readonly sink: ByteSink;
  /** What is visible under `name`, undefined when nothing is. */
  published(name: string): Promise<Uint8Array | undefined>;
}

const kinds: Readonly<Record<string, () => Promise<Kind>>> = {
  memory: async () => {
    const sink = memorySink();
    return { sink, published: async name => sink.files.get(name) };
  },
  'a folder': async () => ({
    sink: await directorySink(path.join(folder, 'new', 'model')),
    async published(name) {
      const parents = await readdir(folder, { recursive: true });
      return parents.includes(path.join('new', 'model', name))
        ? new Uint8Array(await readFile(path.join(folder, 'new', 'model', name)))
        : undefined;
    },
  }),
};

for (const [kind, make] of Object.entries(kinds)) {
  describe(`byte sink of ${kind}`, () => {
    it('publishes all at once, on commit', async () => {
      const { sink, published } = await make();
      const writer = await sink.create('onnx/model.onnx_data', 5);
      await writer.write(Uint8Array.of(1, 2, 3));
      await writer.write(new Uint8Array(0));
      await writer.write(Uint8Array.of(4, 5));
      await writer.close();
      await (await sink.create('empty')).close();
      assert.equal(await published('onnx/model.onnx_data'), undefined);
      await sink.commit();
      assert.deepEqual(await published('onnx/model.onnx_data'), Uint8Array.of(1, 2, 3, 4, 5));
      assert.deepEqual(await published('empty'), new Uint8Array(0));
    });

    it('takes bytes that change after they were written, and more than was announced', async () => {
      const { sink, published } = await make();
      const writer = await sink.create('a', 1);
      const bytes = Uint8Array.of(1, 2);
      for (let i = 0; i < 100; i++) {
        bytes.fill(i);
        await writer.write(bytes);
      }
      bytes.fill(0);
      await writer.close();
      await sink.commit();
      assert.deepEqual(
        await published('a'),
        Uint8Array.from({ length: 200 }, (_, i) => i >> 1),
      );
    });

    it('gives the SHA-256 of what was written, when asked for it', async () => {
      const { sink, published } = await make();
      const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => i * 31);
      const hashed = await sink.create('hashed', bytes.length, { sha256: true });
      for (let at = 0; at < bytes.length; at += 999_983) await hashed.write(bytes.subarray(at, at + 999_983));
      assert.equal(await hashed.close(), createHash('sha256').update(bytes).digest('hex'));
      const plain = await sink.create('plain');
      await plain.write(bytes);
      assert.equal(await plain.close(), undefined);
      await sink.commit();
      assert.deepEqual(await published('hashed'), bytes);
    });

    it('refuses names that leave it, and the same name twice', async () => {
      const { sink } = await make();
      for (const name of ['../a', '/a', 'a/../b', '', 'a\\b']) {
        await assert.rejects(sink.create(name), { name: 'IoError', message: /forward slashes/ });
      }
      await (await sink.create('a')).close();
      await assert.rejects(sink.create('a'), { name: 'IoError', message: /^a: / });
      await sink.discard();
    });

    it('does not publish a file that is still being written', async () => {
      const { sink } = await make();
      await sink.create('a');
      await assert.rejects(sink.commit(), { message: 'a: file to publish; found it is still being written' });
      await sink.discard();
    });

    it('leaves nothing when discarded, also twice and with open files', async () => {
      const { sink, published } = await make();
      await (await sink.create('a')).write(Uint8Array.of(1));
      await sink.discard();
      await sink.discard();
      assert.equal(await published('a'), undefined);
    });
  });
}

describe('folder being written', () => {
  it('is a hidden folder beside the final one, and gone afterwards', async () => {
    const sink = await directorySink(path.join(folder, 'model'));
    const [partial] = await readdir(folder);
    assert.match(partial ?? '', /^\.model\.partial-/);
    await sink.commit();
    assert.deepEqual(await readdir(folder), ['model']);
    const other = await directorySink(path.join(folder, 'other'));
    await other.discard();
    assert.deepEqual(await readdir(folder), ['model']);
  });

  it('does not replace a folder with files in it, unless told to', async () => {
    const target = path.join(folder, 'model');
    await mkdir(target);
    await (await directorySink(target)).commit();
    await writeFile(path.join(target, 'old'), 'old');
    await assert.rejects(directorySink(target), {
      name: 'IoError',
      message: `${target}: output folder; expected none, or an empty one; found one with files in it. Remove it, name another, or replace it with overwrite (--overwrite).`,
    });
    const sink = await directorySink(target, { overwrite: true });
    await (await sink.create('new')).close();
    assert.deepEqual(await readdir(target), ['old']);
    await sink.commit();
    assert.deepEqual(await readdir(target), ['new']);
    assert.deepEqual(await readdir(folder), ['model']);
  });

  it('leaves the folder that was there when the new one can not take its place', async () => {
    const target = path.join(folder, 'model');
    await mkdir(target);
    await writeFile(path.join(target, 'old'), 'old');
    const sink = await directorySink(target, { overwrite: true });
    const partial = (await readdir(folder)).find(name => name.startsWith('.model.partial-')) ?? assert.fail();
    await rm(path.join(folder, partial), { recursive: true });
    await assert.rejects(sink.commit(), { name: 'IoError', message: /publishing the folder/ });
    assert.deepEqual(await readdir(folder), ['model']);
    assert.deepEqual(await readdir(target), ['old']);
  });

  it('does not replace a folder that was filled meanwhile', async () => {
    const target = path.join(folder, 'model');
    const sink = await directorySink(target);
    await mkdir(target);
    await writeFile(path.join(target, 'theirs'), '');
    await assert.rejects(sink.commit(), { name: 'IoError', message: /one with files in it/ });
    await sink.discard();
    assert.deepEqual(await readdir(target), ['theirs']);
  });

  it('does not replace a file', async () => {
    const target = path.join(folder, 'model');
    await writeFile(target, '');
    const message = `${target}: output folder; found a file of this name`;
    await assert.rejects(directorySink(target, { overwrite: true }), { name: 'IoError', message });
  });

  it('links and copies files of the disk, with progress', async () => {
    const from = path.join(folder, 'checkpoint');
    await writeFile(from, new Uint8Array(3_000_000).fill(7));
    const sink = await directorySink(path.join(folder, 'model'));
    const progress: number[] = [];
    await sink.link?.('onnx/linked', from);
    await sink.copy?.('onnx/copied', from, { onProgress: done => progress.push(done) });
    await sink.copy?.('onnx/quiet', from);
    await assert.rejects(async () => sink.link?.('onnx/linked', from), { name: 'IoError', message: /linking to / });
    await assert.rejects(async () => sink.copy?.('onnx/copied', from), { name: 'IoError', message: /copying from / });
    for (const request of [{ onProgress: () => undefined }, { sha256: true }]) {
      await assert.rejects(async () => sink.copy?.('x', path.join(folder, 'none'), request), {
        name: 'IoError',
        message: /^x: copying from /,
      });
    }
    await sink.commit();
    const at = (name: string) => path.join(folder, 'model', 'onnx', name);
    assert.equal((await stat(at('linked'))).ino, (await stat(from)).ino);
    assert.notEqual((await stat(at('copied'))).ino, (await stat(from)).ino);
    assert.equal((await stat(at('quiet'))).size, 3_000_000);
    assert.deepEqual(
      [...progress].sort((a, b) => a - b),
      progress,
    );
    assert.equal(progress.at(-1), 3_000_000);
  });

  it('gives the SHA-256 of linked and copied files, when asked for it', async () => {
    const from = path.join(folder, 'checkpoint');
    const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => i * 31);
    await writeFile(from, bytes);
    const expected = createHash('sha256').update(bytes).digest('hex');
    const sink = await directorySink(path.join(folder, 'model'));
    assert.equal(await sink.link?.('linked', from, { sha256: true }), expected);
    assert.equal(await sink.copy?.('copied', from, { sha256: true }), expected);
    assert.equal(await sink.copy?.('quiet', from), undefined);
    await sink.discard();
  });

  it('has the permissions of any new folder, not of a temporary one', async () => {
    const plain = path.join(folder, 'plain');
    await mkdir(plain);
    await (await directorySink(path.join(folder, 'model'))).commit();
    assert.equal((await stat(path.join(folder, 'model'))).mode, (await stat(plain)).mode);
  });

  it('says so when the disk is too full', async () => {
    const sink = await directorySink(path.join(folder, 'model'));
    const message = /^big: space on the disk; expected 9007199254740991 bytes; found \d+ free$/;
    await assert.rejects(sink.create('big', Number.MAX_SAFE_INTEGER), { name: 'IoError', message });
    await sink.discard();
  });
});
