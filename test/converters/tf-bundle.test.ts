/**
 * The bundle reader on every bundle of the reference, and on bundles written here for what those do not show.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { CheckpointTensor } from '../../converters/checkpoint.ts';
import { crc32cOf, maskCrc32c } from '../../converters/crc32c.ts';
import { openCheckpoint } from '../../converters/formats.ts';
import { openBundle, tfBundle } from '../../converters/tf-bundle/index.ts';
import { unsnappy } from '../../converters/tf-bundle/snappy.ts';
import { Cursor } from '../../src/core/cursor.ts';
import { FormatError, IoError } from '../../src/core/errors.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { memorySet } from '../../src/io/memory.ts';
import {
  bundle,
  concat,
  type Entry,
  type Extent,
  entry,
  latin1,
  type Stored,
  u32,
  varint,
} from './tf-bundle-builder.ts';

interface Case {
  readonly checkpoint: { readonly path: string; readonly format: string };
  readonly build: { readonly keep_tokens?: unknown; readonly compound_tokens?: unknown };
  readonly weights: readonly { readonly name: string; readonly sha256: string; readonly computed?: string }[];
}

const CASES = path.join(import.meta.dirname, '../fixtures/cases');
const cases = readdirSync(CASES)
  .filter(name => existsSync(path.join(CASES, name, 'case.json')))
  .map(name => ({ name, facts: JSON.parse(readFileSync(path.join(CASES, name, 'case.json'), 'utf8')) as Case }))
  .filter(({ facts }) => facts.checkpoint.format.endsWith('bundle') || facts.checkpoint.format.startsWith('tf-bundle'));

/** Weights whose rows keep_tokens and compound_tokens choose when the model is built, so that the file holds others. */
const PRUNED = /^(Embedding-Token|MLM-Bias|Decoder-Output-LM)\//;

describe('TensorFlow bundle', () => {
  it('has cases', () => assert.ok(cases.length > 40));

  for (const { name, facts } of cases) {
    it(`holds every weight of ${name}`, async () => {
      const { files, name: file } = await splitPath(path.join(CASES, name, facts.checkpoint.path));
      const checkpoint = await openCheckpoint(files, file);
      const hashes = new Set<string>();
      for (const tensor of checkpoint.tensors.values()) {
        const values = await float32Of(tensor);
        hashes.add(sha256(values));
        if (tensor.shape.length === 2) hashes.add(sha256(transposed(values, tensor.shape)));
      }
      await checkpoint.close();
      const pruned = facts.build.keep_tokens !== undefined || facts.build.compound_tokens !== undefined;
      const absent = facts.weights
        .filter(weight => weight.computed === undefined && !hashes.has(weight.sha256))
        .filter(weight => !(pruned && PRUNED.test(weight.name)));
      assert.equal(checkpoint.format, 'tf-bundle');
      assert.deepEqual(absent, []);
    });
  }

  it('sets optimizer slots and counters aside, with the reason', async () => {
    const skippedOf = async (name: string, prefix: string) => {
      const { files } = await splitPath(path.join(CASES, name, prefix));
      const checkpoint = await openCheckpoint(files, prefix);
      await checkpoint.close();
      assert.ok([...checkpoint.tensors.keys()].every(key => !/adam|OPTIMIZER|optimizer|global_step/i.test(key)));
      return checkpoint.skipped;
    };
    const google = await skippedOf('bert-nsp-adam-shards', 'bert_model.ckpt-900000');
    assert.equal(google.get('global_step'), 'training counter');
    assert.equal(google.get('bert/pooler/dense/kernel/adam_m'), 'optimizer slot');
    const keras = await skippedOf('bert-encoder-tf-keras-optimizer', 'model.weights');
    assert.equal(keras.get('optimizer/iter/.ATTRIBUTES/VARIABLE_VALUE'), 'optimizer state of tf.keras');
    assert.equal(keras.get('_CHECKPOINTABLE_OBJECT_GRAPH'), 'description of the saved objects by tf.keras');
  });

  it('keeps a variable called like a slot when there is no variable it could belong to', async () => {
    const files = bundle([float32('layer/Adam', [1]), float32('x', [1]), float32('x/Adam', [1])]);
    const checkpoint = await openCheckpoint(memorySet(files), 'model');
    assert.deepEqual([...checkpoint.tensors.keys()], ['layer/Adam', 'x']);
    assert.deepEqual([...checkpoint.skipped], [['x/Adam', 'optimizer slot']]);
  });

  it('gives the range and checksum of a tensor in one piece, and neither for a partitioned one', async () => {
    const { files, name } = await splitPath(path.join(CASES, 'bert-mlm-logits-partitioned/bert_model.ckpt'));
    const checkpoint = await openCheckpoint(files, name);
    const tensors = [...checkpoint.tensors.values()];
    const [whole] = tensors.filter(tensor => tensor.range !== undefined);
    const [parted] = tensors.filter(tensor => tensor.range === undefined);
    assert.ok(whole?.range && parted);
    const { source, offset, length } = whole.range;
    assert.equal(maskCrc32c(crc32cOf(await source.read(offset, length))), whole.crc32c);
    assert.equal(parted.crc32c, undefined);
    await checkpoint.close();
  });

  it('reads tf.keras strings, checksums included', async () => {
    const { files, name } = await splitPath(path.join(CASES, 'bert-mlm-tf-keras/best_model.weights'));
    const { all, files: opened } = await openBundle(files, name, {});
    const graph = await all.tensors.get('_CHECKPOINTABLE_OBJECT_GRAPH')?.read();
    assert.match(new TextDecoder('latin1').decode(graph), /layer_with_weights-0/);
    await Promise.all(opened.map(source => source.close()));
  });

  it('gives the names that tf.keras notes for variables', async () => {
    const { files, name } = await splitPath(path.join(CASES, 'bert-mlm-tf-keras/best_model.weights'));
    const { variableNames, tensors, close } = await openCheckpoint(files, name);
    const nameOf = (key: string) => variableNames?.get(`layer_with_weights-${key}/.ATTRIBUTES/VARIABLE_VALUE`);
    assert.equal(nameOf('3/gamma'), 'Embedding-Norm/gamma');
    assert.match(nameOf('4/q_dense/kernel') ?? '', /^Transformer-0-MultiHeadSelfAttention\/dense(_\d+)?\/kernel$/);
    for (const key of tensors.keys()) assert.ok(variableNames?.has(key), key);
    await close();
  });

  it('refuses notes of tf.keras that are no such message, though nobody asks for checksums', async () => {
    const { bytes, crc32c } = stringTensor([Uint8Array.of(0x0a, 0x7f, 0x01)]);
    const key = '_CHECKPOINTABLE_OBJECT_GRAPH';
    const files = bundle([], [{ key, value: entry({ dtype: 7, shape: [], size: bytes.length, crc32c }) }]);
    const set = memorySet(new Map([...files, ['model.data-00000-of-00001', bytes]]));
    await assert.rejects(openCheckpoint(set, 'model', { verifyData: false }), {
      name: 'FormatError',
      message: /message in "_CHECKPOINTABLE_OBJECT_GRAPH"/,
    });
  });

  it('reads strings of any length and refuses those that were changed', async () => {
    const strings = ['', 'α', 'x'.repeat(300)].map(text => new TextEncoder().encode(text));
    const { bytes, crc32c } = stringTensor(strings);
    const files = bundle([], [{ key: 's', value: entry({ dtype: 7, shape: [3], size: bytes.length, crc32c }) }]);
    for (const [damage, message] of [
      [-1, undefined],
      [bytes.length - 1, /checksum of "s"; found another$/],
      [5, /checksum of the lengths of "s"; found another$/],
    ] as const) {
      const data = bytes.map((byte, i) => (i === damage ? byte ^ 1 : byte));
      const set = memorySet(new Map([...files, ['model.data-00000-of-00001', data]]));
      const tensor = (await openCheckpoint(set, 'model')).tensors.get('s');
      assert.equal(tensor?.range, undefined);
      if (message === undefined) assert.deepEqual(await tensor?.read(), concat(strings));
      else await assert.rejects(async () => tensor?.read(), { message });
    }
  });

  it('checks data when it is read, unless told not to', async () => {
    const files = bundle([float32('a', [4])]);
    files.get('model.data-00000-of-00001')?.fill(1, 3, 4);
    const read = async (verifyData: boolean) =>
      (await openCheckpoint(memorySet(files), 'model', { verifyData })).tensors.get('a')?.read();
    assert.equal((await read(false))?.length, 16);
    await assert.rejects(read(true), {
      name: 'FormatError',
      message:
        /^model\.data-00000-of-00001, byte 0: checksum of "a"; expected 0x\w{8}; found 0x\w{8}\. The file is damaged; fetch it again\.$/,
    });
  });

  it('names all shards that are missing', async () => {
    const files = bundle([float32('a', [1]), { ...float32('b', [1]), shard: 1 }, { ...float32('c', [1]), shard: 2 }]);
    files.delete('model.data-00000-of-00003');
    files.delete('model.data-00002-of-00003');
    await assert.rejects(openCheckpoint(memorySet(files), 'model'), error => {
      assert.ok(error instanceof IoError);
      assert.match(error.message, /expected model\.data-00000-of-00003, model\.data-00002-of-00003 beside it/);
      return true;
    });
  });

  it('sets types that no model reads aside, and parts of no variable', async () => {
    const files = bundle(
      [{ key: 'complex', dtype: 8, shape: [1], bytes: new Uint8Array(8) }, float32('a', [1])],
      [{ key: '\0v\0\x01\x01\x01\x80\x81', value: entry({ shape: [0] }) }],
    );
    const { tensors, skipped } = await openCheckpoint(memorySet(files), 'model');
    assert.deepEqual([...tensors.keys()], ['a']);
    assert.deepEqual([...skipped.values()], ['of a type that no model reads', 'part that no variable refers to']);
  });

  it('reads names beyond ASCII, empty tensors, scalars, and blocks of one entry', async () => {
    const files = bundle([float32('空', [0, 3]), float32('層/kernel', [])].map(utf8Key), [], { perBlock: 1 });
    const { tensors } = await openCheckpoint(memorySet(files), 'model');
    assert.deepEqual(
      [...tensors.values()].map(({ name, shape }) => [name, shape]),
      [
        ['層/kernel', []],
        ['空', [0, 3]],
      ],
    );
    assert.deepEqual(await tensors.get('空')?.read(), new Uint8Array(0));
  });

  it('puts together variables cut along any axes, in any shards', async () => {
    const axis = fc.record({ size: fc.integer({ min: 1, max: 300 }), cuts: fc.array(fc.nat(300), { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(axis, { minLength: 1, maxLength: 3 }), fc.nat(), async (axes, seed) => {
        const shape = axes.map(({ size }, i) => (i === 0 ? size : (size % 12) + 1));
        const extents = axes.map(({ cuts }, i) => cutAxis(shape[i] ?? 1, cuts));
        const whole = Uint8Array.from({ length: 4 * product(shape) }, (_, i) => (i * 31 + seed) & 0xff);
        const files = partitioned(shape, extents, whole);
        const tensor = (await openCheckpoint(memorySet(files), 'model')).tensors.get('v');
        assert.deepEqual(tensor?.shape, shape);
        assert.deepEqual(await tensor?.read(), whole);
      }),
      { numRuns: 100 },
    );
  });

  it('uncompresses Snappy: literals, copies near and far, copies over themselves', async () => {
    const plain = new Uint8Array(70_000).map((_, i) => (i * i) >> 7);
    const far = concat([
      varint(70_004),
      Uint8Array.of(62 << 2, 0x6f, 0x11, 0x01),
      plain,
      Uint8Array.of((3 << 2) | 3),
      u32(70_000),
    ]);
    const near = concat([varint(10), Uint8Array.of(4), latin1('ab'), Uint8Array.of((4 << 2) | 1, 2)]);
    const middle = concat([varint(8), Uint8Array.of(3 << 2), latin1('abcd'), Uint8Array.of((3 << 2) | 2, 4, 0)]);
    const uncompress = (bytes: Uint8Array) => unsnappy(new Cursor(bytes, { file: 'f', what: 'block' }), 1e5);
    assert.deepEqual(uncompress(far), concat([plain, plain.subarray(0, 4)]));
    assert.deepEqual(uncompress(near), latin1('ababababab'));
    assert.deepEqual(uncompress(middle), latin1('abcdabcd'));
    const store = (bytes: Uint8Array) => ({
      type: 1,
      bytes: concat([varint(bytes.length), Uint8Array.of(61 << 2), u32(bytes.length - 1).subarray(0, 2), bytes]),
    });
    const files = bundle([float32('a', [2])], [], { store });
    assert.deepEqual([...(await openCheckpoint(memorySet(files), 'model')).tensors.keys()], ['a']);
  });
});

describe('checkpoint formats', () => {
  const files = bundle([float32('a', [1])]);
  const hdf5 = readFileSync(path.join(CASES, 'bert-pool/best_model.h5'));

  it('finds a bundle by its prefix and by any of its files', async () => {
    const set = memorySet(new Map([...files, ['model.meta', new Uint8Array(9)]]));
    for (const name of ['model', 'model.index', 'model.data-00000-of-00001', 'model.meta']) {
      assert.equal((await openCheckpoint(set, name)).format, 'tf-bundle', name);
    }
    assert.equal(await tfBundle.matches(set, 'mod'), false);
  });

  it('judges by content: an index of any name, a Keras file called .weights, and that one before a prefix', async () => {
    const index = files.get('model.index') ?? new Uint8Array(0);
    const data = files.get('model.data-00000-of-00001') ?? new Uint8Array(0);
    const renamed = memorySet(
      new Map([
        ['best.weights', index],
        ['best.weights.data-00000-of-00001', data],
      ]),
    );
    assert.equal((await openCheckpoint(renamed, 'best.weights')).format, 'tf-bundle');
    const both = memorySet(new Map([...files, ['model', hdf5]]));
    assert.equal((await openCheckpoint(both, 'model')).format, 'keras-hdf5');
    assert.equal((await openCheckpoint(both, 'model.index')).format, 'tf-bundle');
  });

  it('says what it found when it is neither, and what is there when it is nothing', async () => {
    const set = memorySet(new Map([...files, ['w.bin', latin1('PK\x05\x06zip')]]));
    await assert.rejects(openCheckpoint(set, 'w.bin'), error => {
      assert.ok(error instanceof FormatError);
      assert.equal(
        error.message,
        'w.bin: format of the checkpoint; expected keras-hdf5, tf-bundle; found a file of 7 bytes that begins 50 4b 05 06 7a 69 70. ' +
          'Name the HDF5 file, or the prefix or .index of the TensorFlow bundle.',
      );
      return true;
    });
    await assert.rejects(openCheckpoint(set, 'other'), error => {
      assert.ok(error instanceof IoError);
      assert.match(
        error.message,
        /^other: checkpoint; expected .*; found nothing of this name; beside it: model\.index\. Check the path/,
      );
      return true;
    });
  });
});

function float32(key: string, shape: readonly number[]): Stored {
  return { key, shape, bytes: new Uint8Array(4 * product(shape)) };
}

function utf8Key(stored: Stored): Stored {
  return { ...stored, key: String.fromCharCode(...new TextEncoder().encode(stored.key)) };
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Cuts an axis at some places; an axis that is not cut is given as a whole one. */
function cutAxis(size: number, cuts: readonly number[]): readonly Extent[] {
  const places = [...new Set([0, ...cuts.map(cut => cut % size), size])].sort((a, b) => a - b);
  if (places.length === 2) return [null];
  return places.slice(1).map((end, i) => [places[i] ?? 0, end - (places[i] ?? 0)]);
}

/** A bundle of one variable `v`, cut into the grid of `extents`, its parts spread over three shards. */
function partitioned(
  shape: readonly number[],
  extents: readonly (readonly Extent[])[],
  whole: Uint8Array,
): Map<string, Uint8Array> {
  const slices = extents.reduce<Extent[][]>(
    (all, axis) => all.flatMap(slice => axis.map(cut => [...slice, cut])),
    [[]],
  );
  const parts = slices.map((slice, i): Stored => {
    const box = slice.map((extent, axis) => extent ?? [0, shape[axis] ?? 0]);
    const key = `\0v\0\x01\x01${String.fromCharCode(shape.length)}${slice.map(encodeExtent).join('')}`;
    return {
      key,
      shape: box.map(([, length]) => length),
      bytes: cutOut(whole, shape, box as [number, number][]),
      shard: i % 3,
    };
  });
  if (slices.length === 1) return bundle([{ key: 'v', shape, bytes: whole }]);
  const named: Entry = { key: 'v', value: entry({ shape, slices }) };
  return bundle(parts, [named], { restartInterval: 3 });
}

/** One byte holds up to 63, two up to 8191. */
function encodeExtent(extent: Extent): string {
  const number = (value: number) =>
    value < 64 ? String.fromCharCode(0x80 | value) : String.fromCharCode(0xc0 | (value >> 8), value & 0xff);
  return extent === null ? '\x80\x7f' : number(extent[0]) + number(extent[1]);
}

/** The elements inside `box`, found one by one. */
function cutOut(whole: Uint8Array, shape: readonly number[], box: readonly [number, number][]): Uint8Array {
  const inside: number[] = [];
  for (let element = 0; element < whole.length / 4; element++) {
    let rest = element;
    const index = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % (shape[axis] ?? 1);
      rest = Math.floor(rest / (shape[axis] ?? 1));
    }
    if (box.every(([start, length], axis) => (index[axis] ?? 0) >= start && (index[axis] ?? 0) < start + length)) {
      inside.push(...whole.subarray(4 * element, 4 * element + 4));
    }
  }
  return Uint8Array.from(inside);
}

function stringTensor(strings: readonly Uint8Array[]): { bytes: Uint8Array; crc32c: number } {
  const lengths = concat(strings.map(string => u32(string.length)));
  const check = u32(maskCrc32c(crc32cOf(lengths)));
  const bytes = concat([...strings.map(string => varint(string.length)), check, ...strings]);
  return { bytes, crc32c: maskCrc32c(crc32cOf(concat([lengths, check, ...strings]))) };
}

/** A tensor's values as float32, as the recordings' hashes are of. */
async function float32Of(tensor: CheckpointTensor): Promise<Float32Array> {
  const bytes = await tensor.read();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (tensor.dtype === 'float16') return Float32Array.from({ length: bytes.length / 2 }, (_, i) => halfAt(view, 2 * i));
  if (tensor.dtype === 'bfloat16') {
    return new Float32Array(
      Uint32Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true) << 16).buffer,
    );
  }
  assert.equal(tensor.dtype, 'float32');
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function halfAt(view: DataView, offset: number): number {
  const bits = view.getUint16(offset, true);
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits >> 15 ? -size : size;
}

function transposed(values: Float32Array, [rows = 1, columns = 1]: readonly number[]): Float32Array {
  return Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
}

function sha256(values: Float32Array): string {
  return createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
}
