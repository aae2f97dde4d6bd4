/**
 * Damaged and foreign HDF5 files. A changed byte in a structure is refused or changes neither names, types nor shapes;
 * nothing hangs, nothing but a typed error comes out, and nothing is printed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import type { Checkpoint } from '../../converters/checkpoint.ts';
import { kerasHdf5 } from '../../converters/keras-hdf5/index.ts';
import { Bert4ortError, FormatError } from '../../src/core/errors.ts';
import { memorySet } from '../../src/io/memory.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures');
const FILES = [
  'keras-hdf5/split-names.h5',
  'keras-hdf5/heap-names.h5',
  'keras-hdf5/storage.h5',
  'cases/bert-nested/best_model.h5',
  'cases/gpt2-ml-h5/best_model.h5',
];

const REFUSED: readonly (readonly [file: string, message: RegExp])[] = [
  ['booleans.h5', /type of weight "dense\/dense\/kernel:0"; expected integers or floats; found enum/],
  ['strings-as-weights.h5', /expected integers or floats; found strings/],
  ['latest.h5', /HDF5 superblock; expected version 0, as Keras writes it; found version 3\. Save/],
  ['tracked-order.h5', /object header at \d+; expected version 1; found version 2/],
  ['missing-layer.h5', /layer "gone"; expected a link in "\/"; found none/],
  ['repeated-layer.h5', /object "dense"; expected its own data; found a second name of another/],
  ['two-names.h5', /object "dense\/dense\/alias:0"; expected its own data/],
  ['soft-link.h5', /object "dense\/dense\/kernel:0"; expected a plain link; found a soft link/],
  ['never-written.h5', /expected stored elements; found none written/],
  ['unlisted-layer.h5', /layer "extra"; expected its name in layer_names; found none/],
  ['unlisted-weight.h5', /weight "dense\/bias:0" of layer "dense"; expected its name in weight_names; found none/],
  ['other.h5', /Keras weights; expected the attribute "layer_names".*found an HDF5 file with dense at its root/],
];

const UNREADABLE: readonly (readonly [file: string, message: RegExp])[] = [
  ['fletcher32.h5', /filters of "dense\/dense\/kernel:0"; expected deflate or shuffle; found fletcher32/],
  ['lzf.h5', /expected deflate or shuffle; found filter 32000/],
  ['missing-chunks.h5', /chunks of weight "dense\/dense\/kernel:0"; expected 2; found 1/],
];

function bytesOf(file: string): Uint8Array {
  return new Uint8Array(readFileSync(path.join(FIXTURES, file)));
}

function openBytes(bytes: Uint8Array): Promise<Checkpoint> {
  return kerasHdf5.open(memorySet(new Map([['x.h5', bytes]])), 'x.h5', {});
}

/**
 * What must not change unnoticed. One bit tells signed integers from unsigned, and nothing tells how much of the last
 * chunks is used; Keras writes neither.
 */
function outline({ layers, tensors }: Checkpoint): unknown {
  const isChunked = [...tensors.values()].some(({ range }) => range === undefined);
  const described = [...tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  return isChunked ? layers : { layers, described };
}

describe('foreign and unusual HDF5 files', () => {
  for (const [file, message] of REFUSED) {
    it(`${file} is refused when opened`, async () => {
      await assert.rejects(openBytes(bytesOf(`keras-hdf5/${file}`)), (thrown: Error) => {
        assert.ok(thrown instanceof FormatError);
        assert.match(thrown.message, message);
        return true;
      });
    });
  }

  for (const [file, message] of UNREADABLE) {
    it(`${file} is refused when read`, async () => {
      const checkpoint = await openBytes(bytesOf(`keras-hdf5/${file}`));
      const [tensor] = checkpoint.tensors.values();
      assert.ok(tensor !== undefined && tensor.range === undefined);
      await assert.rejects(tensor.read(), message);
    });
  }

  it('what is not HDF5 is refused', async () => {
    assert.equal(await kerasHdf5.matches(memorySet(new Map([['x.h5', new Uint8Array(5000)]])), 'x.h5'), false);
    assert.equal(await kerasHdf5.matches(memorySet(new Map()), 'x.h5'), false);
    await assert.rejects(openBytes(new Uint8Array(5000)), /x\.h5: HDF5 signature; expected .*; found none/);
  });

  it('a truncated file is refused at once', async () => {
    const bytes = bytesOf('cases/bert-nested/best_model.h5');
    for (const length of [8, 95, 96, 2000, bytes.length - 1]) {
      await assert.rejects(openBytes(bytes.subarray(0, length)), FormatError);
    }
  });
});

/** A file whose root group's tree has `levels` levels of nodes, each with 32 entries that all lead to one child. */
function repeatingTree(levels: number): Uint8Array {
  const original = bytesOf('keras-hdf5/split-names.h5');
  const node = 24 + 16 * 33;
  const bytes = new Uint8Array(original.length + levels * node);
  bytes.set(original);
  const view = new DataView(bytes.buffer);
  // The address stands in a message of the root group, which may be in a continuation of its header.
  const tree = view.getBigUint64(80, true);
  const root = Number(view.getBigUint64(64, true));
  for (let level = 1; level <= levels; level++) {
    const at = original.length + (level - 1) * node;
    bytes.set([0x54, 0x52, 0x45, 0x45, 0, level, 32, 0], at);
    for (let entry = 0; entry < 32; entry++) {
      view.setBigUint64(at + 32 + 16 * entry, level === 1 ? tree : BigInt(at - node), true);
    }
  }
  for (let at = root; at < original.length; at += 8) {
    if (view.getBigUint64(at, true) === tree)
      view.setBigUint64(at, BigInt(original.length + (levels - 1) * node), true);
  }
  view.setBigUint64(40, BigInt(bytes.length), true);
  return bytes;
}

describe('hostile HDF5 files', () => {
  it('a tree that repeats itself a billion times is given up', async () => {
    await assert.rejects(openBytes(repeatingTree(6)), /structures; expected work worth \d+ bytes at most/);
  });

  it('a header that continues in itself is given up', async () => {
    const bytes = bytesOf('keras-hdf5/split-names.h5');
    const view = new DataView(bytes.buffer);
    const root = Number(view.getBigUint64(64, true));
    view.setUint16(root + 2, 0xffff, true);
    view.setUint16(root + 16, 0x10, true);
    view.setBigUint64(root + 24, BigInt(root + 16), true);
    view.setBigUint64(root + 32, 24n, true);
    await assert.rejects(openBytes(bytes), FormatError);
  });

  it('a chunk that inflates beyond its size is refused', async () => {
    const bytes = bytesOf('keras-hdf5/storage.h5');
    const checkpoint = await openBytes(bytes);
    const chunk = bytes.findIndex((byte, at) => byte === 0x78 && bytes[at + 1] === 0x5e);
    bytes.set(deflateSync(new Uint8Array(1_000_000)), chunk);
    await assert.rejects(readAll(checkpoint), /chunk of weight .*; expected \d+ bytes; found more/);
  });
});

describe('damaged HDF5 files', () => {
  let printed: unknown[] = [];
  const kept = { log: console.log, warn: console.warn, error: console.error };
  const listen = (...values: unknown[]) => {
    printed.push(values);
  };

  beforeEach(() => {
    printed = [];
    Object.assign(console, { log: listen, warn: listen, error: listen });
  });
  afterEach(() => {
    Object.assign(console, kept);
  });

  for (const file of FILES) {
    it(`${file}: a changed byte in a structure is refused or changes nothing`, async () => {
      const original = bytesOf(file);
      const checkpoint = await openBytes(original);
      const expected = outline(checkpoint);
      const places = structuralBytes(checkpoint, original.length);
      const change = fc.tuple(fc.nat(places.length - 1), fc.integer({ min: 1, max: 255 }));
      await fc.assert(
        fc.asyncProperty(change, async ([place, flip]) => {
          const bytes = original.slice();
          const at = places[place] ?? 0;
          bytes[at] = (bytes[at] ?? 0) ^ flip;
          const found = await openBytes(bytes).then(outline, refusal);
          if (found !== undefined) assert.deepEqual(found, expected, `byte ${at}`);
        }),
        { numRuns: 400 },
      );
      assert.deepEqual(printed, []);
    });

    it(`${file}: many changed bytes are refused or read`, async () => {
      const original = bytesOf(file);
      const places = structuralBytes(await openBytes(original), original.length);
      const change = fc.tuple(fc.nat(places.length - 1), fc.constantFrom(0, 1, 2, 8, 16, 127, 128, 254, 255));
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 2, maxLength: 40 }), async changes => {
          const bytes = original.slice();
          for (const [place, byte] of changes) bytes[places[place] ?? 0] = byte;
          await openBytes(bytes).then(readAll).catch(refusal);
        }),
        { numRuns: 200 },
      );
      assert.deepEqual(printed, []);
    });
  }
});

async function readAll(checkpoint: Checkpoint): Promise<void> {
  for (const tensor of checkpoint.tensors.values()) await tensor.read();
}

/** Undefined for an error thrown on purpose; any other is a fault of ours. */
function refusal(thrown: unknown): undefined {
  assert.ok(thrown instanceof Bert4ortError, `${thrown instanceof Error ? thrown.stack : thrown}`);
}

/** Offsets of all bytes that are not tensor data: structures, names, attributes and the gaps between them. */
function structuralBytes(checkpoint: Checkpoint, size: number): readonly number[] {
  const data = new Uint8Array(size);
  for (const { range } of checkpoint.tensors.values()) {
    if (range !== undefined) data.fill(1, range.offset, range.offset + range.length);
  }
  return Array.from({ length: size }, (_, at) => at).filter(at => data[at] === 0);
}
