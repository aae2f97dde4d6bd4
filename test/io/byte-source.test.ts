/**
 * One suite for every kind of byte source and set: memory, blobs, files of the disk.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ByteSourceSet } from '../../src/core/byte-source.ts';
import { FormatError, IoError } from '../../src/core/errors.ts';
import { blobSet } from '../../src/io/blob.ts';
import { directorySet, openFile, splitPath } from '../../src/io/file-source.ts';
import { memorySet } from '../../src/io/memory.ts';

const CONTENT = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-io-'));
  await mkdir(path.join(folder, 'onnx'));
  await writeFile(path.join(folder, 'model.index'), CONTENT);
  await writeFile(path.join(folder, 'empty'), '');
  await writeFile(path.join(folder, 'onnx', 'model.onnx'), CONTENT.subarray(0, 9));
});
after(() => rm(folder, { recursive: true }));

const files = new Map([
  ['model.index', CONTENT],
  ['empty', new Uint8Array(0)],
  ['onnx/model.onnx', CONTENT.slice(0, 9)],
]);
const sets: Readonly<Record<string, () => ByteSourceSet>> = {
  memory: () => memorySet(files),
  blobs: () => blobSet(new Map([...files].map(([name, bytes]) => [name, new Blob([new Uint8Array(bytes)])]))),
  'a folder': () => directorySet(folder),
};

for (const [kind, makeSet] of Object.entries(sets)) {
  describe(`byte sources of ${kind}`, () => {
    it('lists and opens what is there, in sub-folders too', async () => {
      const set = makeSet();
      const names = await set.list();
      assert.ok(names.includes('model.index') && names.includes('empty'));
      const source = await set.open('onnx/model.onnx');
      assert.equal(source.size, 9);
      await source.close();
    });

    it('reads any range, and several at a time', async () => {
      const source = await makeSet().open('model.index');
      const ranges = [
        [0, 1000],
        [0, 0],
        [1000, 0],
        [999, 1],
        [251, 500],
      ] as const;
      const read = await Promise.all(ranges.map(([offset, length]) => source.read(offset, length)));
      assert.deepEqual(
        read,
        ranges.map(([offset, length]) => CONTENT.slice(offset, offset + length)),
      );
      for (const bytes of read) assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
      await source.close();
    });

    it('refuses ranges that are not inside', async () => {
      const source = await makeSet().open('model.index');
      for (const [offset, length] of [
        [0, 1001],
        [1000, 1],
        [-1, 1],
        [1, -1],
        [0.5, 1],
        [0, Number.NaN],
        [2 ** 60, 2 ** 60],
      ] as const) {
        await assert.rejects(source.read(offset, length), FormatError);
      }
      await assert.rejects(source.read(990, 20), {
        message: `${source.name}, byte 990: range of bytes; expected 20 bytes inside the file's 1000; found 10 bytes. The file is truncated or damaged; fetch it again.`,
      });
      await source.close();
    });

    it('names the file that is not there, and some that are', async () => {
      await assert.rejects(makeSet().open('model.data'), error => {
        assert.ok(error instanceof IoError);
        assert.match(error.message, /model\.data: no such file; found \d others: model\.index/);
        return true;
      });
    });
  });
}

describe('files of the disk', () => {
  it('keep to their folder', async () => {
    for (const name of ['../x', '/etc/passwd', 'a/../../x', 'a\\b', 'C:x', '', 'a//b', '.', 'a\0']) {
      await assert.rejects(directorySet(folder).open(name), { name: 'IoError', message: /forward slashes/ }, name);
    }
  });

  it('tell their path, and are no folders', async () => {
    const source = await openFile(path.join(folder, 'model.index'), 'mine');
    assert.deepEqual([source.name, source.path], ['mine', path.join(folder, 'model.index')]);
    await source.close();
    await assert.rejects(openFile(folder), {
      name: 'IoError',
      message: `${folder}: input; expected a file; found a folder or a device`,
    });
  });

  it('that shrink while they are read are noticed', async () => {
    const file = path.join(folder, 'shrinking');
    await writeFile(file, CONTENT);
    const source = await openFile(file);
    await truncate(file, 10);
    await assert.rejects(source.read(0, 20), {
      name: 'FormatError',
      message: /byte 10: file; found its end; it has shrunk$/,
    });
    await source.close();
  });

  it('are found from a user’s path: a file, or the beginning of the names of several', async () => {
    for (const name of ['model.index', 'model', 'best_model.weights']) {
      const split = await splitPath(path.join(folder, name));
      assert.equal(split.name, name);
      assert.ok((await split.files.list()).includes('model.index'));
    }
    await assert.rejects(splitPath(folder), { name: 'IoError', message: /expected a file, .*; found a folder with / });
    await assert.rejects(splitPath(path.join(folder, 'none', 'x')), { name: 'IoError', message: /no such folder/ });
  });
});
