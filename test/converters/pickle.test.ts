/**
 * Pickles of three Pythons and three NumPys, every protocol: all must give the same data. And the cloze model's own file.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type NdArray, type PickleValue, readPickle, textOf } from '../../converters/pickle/index.ts';
import { FormatError } from '../../src/core/errors.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/pickle');
const MODEL_CONFIG = path.resolve(import.meta.dirname, '../../examples/models/cloze-bilstm/model.config');

const WORDS = ['我', '的', 'a\\b\n', '\u{20000}'];

/** Everything in `mixed` but arrays and what the two Pythons' `str` makes ambiguous. */
const MIXED: Readonly<Record<string, PickleValue>> = {
  none: null,
  true: true,
  false: false,
  ints: [0, 255, 256, 65535, 65536, -1, -2147483648, 2 ** 31, 2 ** 53 - 1, 2n ** 53n, -(2n ** 70n)],
  floats: [0.1, -1e300, Infinity, 5e-324],
  bytes: bytesOf('\x00\xff\'"\\\n\x80abc'),
  'empty bytes': new Uint8Array(),
  tuples: [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, [4]]],
  set: new Set([1, 2]),
  frozenset: new Set(['a']),
  bytearray: bytesOf('ab\xe9'),
  shared: [['x'], ['x']],
  'long text': 'ü'.repeat(300),
  scalars: [0.5, 0.1, -5, 200, true],
};

const ARRAYS: Readonly<Record<string, readonly [dtype: string, shape: readonly number[], data: ArrayBufferView]>> = {
  'big endian': ['int16', [1, 3], Int16Array.of(1, 2, 3)],
  fortran: ['int64', [2, 3], BigInt64Array.of(0n, 3n, 1n, 4n, 2n, 5n)],
  half: ['float16', [2], Uint16Array.of(0x3e00, 0xc000)],
  bools: ['bool', [2], Uint8Array.of(1, 0)],
  double: ['float64', [], Float64Array.of(2.5)],
  'no rows': ['float32', [0, 4], new Float32Array()],
};

const files = readdirSync(FIXTURES).filter(file => file.endsWith('.pkl'));

describe('pickles of every Python and protocol', () => {
  it('are all there', () => assert.equal(files.length, 34));

  for (const file of files.filter(name => name.startsWith('cloze'))) {
    it(`${file} holds words, their ids and vectors`, () => {
      const [id2word, word2id, vectors] = asList(read(file));
      assert.deepEqual(id2word, new Map(WORDS.map((word, i) => [i + 1, word])));
      assert.deepEqual(word2id, new Map([...asMap(id2word)].map(([id, word]) => [word, id])));
      const thirds = Float32Array.from({ length: 8 }, (_, i) => Math.fround(i) / 3);
      assertArray(vectors, ['float32', [4, 2], thirds]);
    });
  }

  for (const file of files.filter(name => name.startsWith('mixed'))) {
    it(`${file} holds the same data as the others`, () => {
      const value = asMap(read(file));
      for (const [key, expected] of Object.entries(MIXED)) assert.deepEqual(value.get(key), expected, key);
      for (const [key, expected] of Object.entries(ARRAYS)) assertArray(value.get(key), expected);
      assert.equal((value.get('fortran') as NdArray).fortranOrder, true);
      assert.deepEqual(
        [...asMap(value.get('ordered'))],
        [
          ['b', 1],
          ['a', 2],
        ],
      );
      const [first, second] = asList(value.get('shared'));
      assert.equal(first, second, 'one object');
      assert.equal(value.size, Object.keys(MIXED).length + Object.keys(ARRAYS).length + 1);
    });
  }
});

describe('model.config of the cloze model', () => {
  it('holds 6000 words, their ids and a vector for each', () => {
    const [id2word, word2id, vectors] = asList(readPickle(readFileSync(MODEL_CONFIG), 'model.config'));
    assert.equal(asMap(id2word).size, 6000);
    for (const [id, word] of asMap(id2word)) assert.equal(asMap(word2id).get(textOf(word, 'model.config', 'word')), id);
    const array = vectors as NdArray;
    assert.deepEqual(
      [array.kind, array.dtype, array.shape, array.fortranOrder],
      ['ndarray', 'float32', [6000, 128], false],
    );
    // The lower half of every float is 0x2020, as the model's README says.
    for (let at = 0; at < array.data.length; at += 4) assert.ok(array.data[at] === 32 && array.data[at + 1] === 32);
  });
});

describe('textOf', () => {
  it('takes text and UTF-8, refuses the rest', () => {
    assert.equal(textOf('的', 'f', 'word'), '的');
    assert.equal(textOf(new TextEncoder().encode('的'), 'f', 'word'), '的');
    for (const wrong of [3, null, undefined, Uint8Array.of(255)])
      assert.throws(() => textOf(wrong, 'f', 'word'), FormatError);
  });
});

function read(file: string): PickleValue {
  return readPickle(readFileSync(path.join(FIXTURES, file)), file);
}

function asList(value: PickleValue | undefined): readonly PickleValue[] {
  assert.ok(Array.isArray(value));
  return value;
}

function asMap(value: PickleValue | undefined): Map<unknown, PickleValue> {
  assert.ok(value instanceof Map);
  return value;
}

function assertArray(value: PickleValue | undefined, [dtype, shape, data]: (typeof ARRAYS)[string]): void {
  const array = value as NdArray;
  assert.deepEqual([array.kind, array.dtype, array.shape], ['ndarray', dtype, shape]);
  assert.deepEqual([...array.data], [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

function bytesOf(latin1: string): Uint8Array {
  return Uint8Array.from(latin1, character => character.charCodeAt(0));
}
