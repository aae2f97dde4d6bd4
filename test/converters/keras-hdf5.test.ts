/**
 * Every Keras HDF5 recording reads back as the reference loaded it: the same weights, in the same order inside each
 * layer, bit for bit.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Checkpoint } from '../../converters/checkpoint.ts';
import { kerasHdf5 } from '../../converters/keras-hdf5/index.ts';
import { directorySet } from '../../src/io/file-source.ts';

const CASES = path.resolve(import.meta.dirname, '../fixtures/cases');
const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/keras-hdf5');
const MODELS = path.resolve(import.meta.dirname, '../../examples/models');

interface RecordedWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly sha256: string;
  readonly computed?: string;
}

interface RecordedCase {
  readonly name: string;
  readonly checkpoint: { readonly format: string; readonly path: string };
  readonly weights: readonly RecordedWeight[];
}

const cases = readdirSync(CASES, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => JSON.parse(readFileSync(path.join(CASES, entry.name, 'case.json'), 'utf8')) as RecordedCase)
  .filter(({ checkpoint }) => checkpoint.format.endsWith('hdf5'));

function openCase(directory: string, name: string): Promise<Checkpoint> {
  return kerasHdf5.open(directorySet(directory), name, {});
}

/** `<first part of the weight's own name>` → its weights in order, as `shape sha256`. */
function grouped(weights: readonly RecordedWeight[]): Map<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const { name, shape, sha256 } of weights) {
    const group = name.slice(0, name.indexOf('/'));
    groups.set(group, [...(groups.get(group) ?? []), `[${shape.join()}] ${sha256}`]);
  }
  return groups;
}

/** Reads everything, as the recording would describe it: names without the layer's group. */
async function readWeights(checkpoint: Checkpoint): Promise<readonly RecordedWeight[]> {
  const weights: RecordedWeight[] = [];
  for (const layer of checkpoint.layers ?? []) {
    for (const name of layer.tensors) {
      const tensor = checkpoint.tensors.get(name);
      assert.ok(tensor?.range, name);
      assert.equal(tensor.dtype, 'float32');
      const bytes = await tensor.read();
      assert.deepEqual(await tensor.range.source.read(tensor.range.offset, tensor.range.length), bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      weights.push({ name: name.slice(layer.name.length + 1), shape: tensor.shape, sha256 });
    }
  }
  return weights;
}

describe('Keras HDF5 recordings', () => {
  it('are all there', () => assert.equal(cases.length, 21));

  for (const { name, checkpoint: recorded, weights } of cases) {
    it(`${name}: weights as loaded by the reference`, async () => {
      const checkpoint = await openCase(path.join(CASES, name), recorded.path);
      const found = grouped(await readWeights(checkpoint));
      await checkpoint.close();
      for (const [layer, expected] of grouped(weights)) assert.deepEqual(found.get(layer), expected, layer);
    });
  }

  it('bert-nested: one layer holds all weights, in model order', async () => {
    const checkpoint = await openCase(path.join(CASES, 'bert-nested'), 'best_model.h5');
    const full = (checkpoint.layers ?? []).filter(layer => layer.tensors.length > 10);
    assert.deepEqual(
      full.map(layer => layer.name),
      ['model_1'],
    );
    assert.equal(full[0]?.tensors[0], 'model_1/Embedding-Token/embeddings:0');
    await checkpoint.close();
  });

  it('bert-whole-model: layers come from /model_weights, the optimizer is set aside', async () => {
    const checkpoint = await openCase(path.join(CASES, 'bert-whole-model'), 'model.h5');
    assert.deepEqual(checkpoint.about, { whole_model: true, keras_version: '2.3.1', backend: 'tensorflow' });
    const skipped = [...checkpoint.skipped];
    assert.ok(skipped.length > 20);
    assert.deepEqual([...new Set(skipped.map(([, reason]) => reason))], ['optimizer']);
    assert.ok(skipped.every(([name]) => name.startsWith('optimizer_weights/')));
    await checkpoint.close();
  });

  it('keeps layers without weights, in model order', async () => {
    const checkpoint = await openCase(path.join(CASES, 'nezha-mlm-h5'), 'best_model.h5');
    const names = (checkpoint.layers ?? []).map(layer => layer.name);
    assert.equal(names[0], 'Input-Token');
    assert.ok((checkpoint.layers ?? []).some(layer => layer.tensors.length === 0));
    await checkpoint.close();
  });
});

/** Every tensor of a file of test/fixtures/keras-hdf5, by the last part of its name. */
async function readFixture(name: string): Promise<Map<string, { dtype: string; range: boolean; bytes: Uint8Array }>> {
  const checkpoint = await openCase(FIXTURES, name);
  const tensors = new Map<string, { dtype: string; range: boolean; bytes: Uint8Array }>();
  for (const tensor of checkpoint.tensors.values()) {
    const key = tensor.name.slice(tensor.name.lastIndexOf('/') + 1);
    tensors.set(key, { dtype: tensor.dtype, range: tensor.range !== undefined, bytes: await tensor.read() });
  }
  await checkpoint.close();
  return tensors;
}

function assertBytes(found: Uint8Array | undefined, expected: ArrayBufferView, what: string): void {
  const bytes = new Uint8Array(expected.buffer, expected.byteOffset, expected.byteLength);
  assert.deepEqual(Buffer.from(found ?? []), Buffer.from(bytes), what);
}

describe('HDF5 beyond what Keras writes', () => {
  it('element types, either byte order', async () => {
    const tensors = await readFixture('dtypes.h5');
    const numbers = [0, 1, 2, 3, 4, 5];
    const expected: Readonly<Record<string, readonly [string, ArrayBufferView]>> = {
      f2: ['float16', Uint16Array.of(0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500)],
      f4: ['float32', Float32Array.from(numbers)],
      f8: ['float64', Float64Array.from(numbers)],
      i1: ['int8', Int8Array.from(numbers)],
      u1: ['uint8', Uint8Array.from(numbers)],
      i2: ['int16', Int16Array.from(numbers)],
      u2: ['uint16', Uint16Array.from(numbers)],
      i4: ['int32', Int32Array.from(numbers)],
      u4: ['uint32', Uint32Array.from(numbers)],
      i8: ['int64', BigInt64Array.from(numbers.map(BigInt))],
      u8: ['uint64', BigUint64Array.from(numbers.map(BigInt))],
    };
    assert.equal(tensors.size, 16);
    for (const [name, { dtype, range, bytes }] of tensors) {
      const [type, data] = expected[name.slice(-2)] ?? assert.fail(name);
      assert.equal(dtype, type);
      assert.equal(range, !name.startsWith('big'), `${name} can be copied as it is`);
      assertBytes(bytes, data, name);
    }
  });

  it('chunked, compressed, compact, empty and scalar datasets', async () => {
    const tensors = await readFixture('storage.h5');
    const big = Array.from({ length: 3500 }, (_, i) => i % 251);
    const float = Float32Array.from(big);
    assertBytes(tensors.get('chunked')?.bytes, float, 'chunked');
    assertBytes(tensors.get('gzip')?.bytes, float, 'gzip');
    assertBytes(tensors.get('gzip shuffle')?.bytes, Float64Array.from(big), 'gzip shuffle');
    assertBytes(tensors.get('big gzip')?.bytes, Int32Array.from(big), 'big gzip');
    assertBytes(tensors.get('cube')?.bytes, Int16Array.from(big), 'cube');
    assertBytes(tensors.get('compact')?.bytes, Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25), 'compact');
    assertBytes(tensors.get('empty')?.bytes, new Float32Array(), 'empty');
    assertBytes(tensors.get('scalar')?.bytes, Float32Array.of(2.5), 'scalar');
    assert.equal(tensors.get('half')?.bytes.length, 7000);
  });

  it('names split over attributes, or on the heap', async () => {
    const split = await openCase(FIXTURES, 'split-names.h5');
    assert.deepEqual(
      split.layers?.map(layer => layer.name),
      ['input', 'dense', 'dropout'],
    );
    const heap = await openCase(FIXTURES, 'heap-names.h5');
    assert.deepEqual(
      heap.layers?.map(layer => layer.name),
      ['dense', 'Schicht-ä'],
    );
    assert.equal(heap.about['keras_version'], '2.11.0');
    await Promise.all([split.close(), heap.close()]);
  });

  it('layers with a slash in their names', async () => {
    const checkpoint = await openCase(FIXTURES, 'slash-layers.h5');
    assert.deepEqual(checkpoint.layers, [
      { name: 'twin/input', tensors: [] },
      { name: 'twin/dense', tensors: ['twin/dense/twin/dense/kernel:0'] },
    ]);
    assert.equal(checkpoint.skipped.size, 0);
    const kernel = await checkpoint.tensors.get('twin/dense/twin/dense/kernel:0')?.read();
    assertBytes(kernel, Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25), 'kernel');
    await checkpoint.close();
  });

  it('a user block before the signature', async () => {
    assert.ok(await kerasHdf5.matches(directorySet(FIXTURES), 'user-block.h5'));
    const tensors = await readFixture('user-block.h5');
    assertBytes(tensors.get('kernel:0')?.bytes, Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25), 'kernel');
  });

  it('what lies beside the layers is set aside', async () => {
    const checkpoint = await openCase(FIXTURES, 'top-level.h5');
    assert.deepEqual([...checkpoint.skipped.keys()], ['notes', 'top_level_model_weights']);
    await checkpoint.close();
  });
});

describe('Keras HDF5 of the example models', () => {
  const files = [
    'qa-mlm/best_model.weights',
    'qa-unilm/best_model.weights',
    'chat-nezha/training/latest_model.weights',
  ];
  for (const file of files) {
    it(`${file} lists a transformer of 4 or more layers`, async () => {
      const directory = path.join(MODELS, path.dirname(file));
      assert.ok(await kerasHdf5.matches(directorySet(directory), path.basename(file)));
      const checkpoint = await openCase(directory, path.basename(file));
      assert.ok(checkpoint.tensors.has('Embedding-Token/Embedding-Token/embeddings:0'));
      assert.equal(checkpoint.skipped.size, 0);
      await checkpoint.close();
    });
  }
});
