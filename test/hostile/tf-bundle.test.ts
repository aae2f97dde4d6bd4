/**
 * Bundles made wrong on purpose, each with a valid checksum: what the reader says to each.
 */
import assert from 'node:assert/strict';
import { openCheckpoint } from '../../converters/formats.ts';
import { Bert4ortError } from '../../src/core/errors.ts';
import { memorySet } from '../../src/io/memory.ts';
import {
  block,
  bundle,
  concat,
  type Entry,
  entry,
  footer,
  header,
  latin1,
  rawEntry,
  type TableOptions,
  table,
  u32,
  varint,
  withRestarts,
} from '../converters/tf-bundle-builder.ts';

const DATA = new Uint8Array(64);

describe('a hostile TensorFlow bundle', () => {
  describe('table', () => {
    refuses('a footer whose handle is an endless varint', withFooter(new Uint8Array(40).fill(0xff)), {
      says: 'model.index, byte 0 of the footer: footer; expected an integer below 2^53; found a larger one',
    });
    refuses('an index block behind the end', withFooter(handleBytes(1e9, 10)), {
      says: /^model\.index: block at byte 1000000000; expected at most 16777216 bytes, inside the file's \d+; found 10 bytes$/,
    });
    refuses('an index block of petabytes', withFooter(handleBytes(0, 2 ** 52)), {
      says: /^model\.index: block at byte 0; expected at most 16777216 bytes, .*; found 4503599627370496 bytes$/,
    });
    refuses('a data block that is the index block', indexed({ handles: (_, index) => [{ offset: index, size: 20 }] }), {
      says: /^model\.index: handle of a data block; expected a place from byte 0 to (\d+); found 20 bytes at \1$/,
    });
    refuses('a data block listed twice', indexed({ handles: ([first]) => (first ? [first, first] : []) }), {
      says: /^model\.index: handle of a data block; expected a place from byte \d+ to \d+; found \d+ bytes at 0$/,
    });
    refuses('an unknown compression', indexed({ store: bytes => ({ type: 2, bytes }) }), {
      says: /^model\.index, byte 0 of the block at byte \d+: compression of a block; expected 0 \(none\) or 1 \(Snappy\); found 2$/,
    });
    refuses('a compressed block that says it has gigabytes', snappy(varint(2 ** 40)), {
      says: /uncompressed block; expected at most 16777216 bytes; found 1099511627776$/,
    });
    refuses('a compressed block that copies from before its beginning', snappy(Uint8Array.of(4, 0b1, 9)), {
      says: /copy in a compressed block; found 4 bytes from 9 back at 0$/,
    });
    refuses('a compressed block that copies from where it writes', snappy(Uint8Array.of(4, 0b1, 0)), {
      says: /copy in a compressed block; found 4 bytes from 0 back at 0$/,
    });
    refuses('a compressed block that ends early', snappy(Uint8Array.of(4, 0, 65)), {
      says: /compressed block; expected 4 bytes of output; found 1$/,
    });
    refuses('a compressed block that holds more than it says', snappy(Uint8Array.of(1, 4, 65, 66)), {
      says: /compressed block; expected 1 bytes of output; found more$/,
    });
  });

  describe('block', () => {
    refuses('no restarts', blockOf(u32(0)), { says: /number of restarts; expected 1 to 0; found 0$/ });
    refuses('more restarts than fit', blockOf(u32(2 ** 31)), { says: /number of restarts; .*; found 2147483648$/ });
    refuses('no room for restarts', blockOf(new Uint8Array(3)), { says: /block; expected at least 4 bytes; found 3$/ });
    refuses('a restart inside an entry', blockOf(withRestarts(rawEntry(0, 'a', DATA), [0, 2])), {
      says: /restart of keys; expected the start of an entry; found byte 2$/,
    });
    refuses('the same restart twice', blockOf(withRestarts(rawEntry(0, 'a', DATA), [0, 0])), {
      says: /restart of keys; expected the start of an entry; found byte 0$/,
    });
    refuses(
      'a restart that shares',
      blockOf(withRestarts(concat([rawEntry(0, 'a', DATA), rawEntry(1, 'b', DATA)]), [0, 68])),
      {
        says: /key; expected at most 0 bytes shared; found 1$/,
      },
    );
    refuses('a key that shares more than there is', blockOf(withRestarts(rawEntry(7, 'a', DATA), [0])), {
      says: /key; expected at most 0 bytes shared; found 7$/,
    });
    refuses('a key of megabytes', blockOf(withRestarts(concat([varint(0), varint(2 ** 22), varint(0)]), [0])), {
      says: /key; expected at most 4096 bytes; found 4194304$/,
    });
    refuses(
      'a value that runs into the restarts',
      blockOf(withRestarts(concat([varint(0), varint(1), varint(9)]), [0])),
      {
        says: /entry; expected 10 bytes of key and value; found 0$/,
      },
    );
    refuses('a key twice', indexedEntries([tensor('a'), tensor('a')]), {
      says: 'model.index: key "a"; expected keys in rising order; found the same key again',
    });
    refuses('keys out of order', indexedEntries([tensor('b'), tensor('a')]), {
      says: 'model.index: key "a"; expected keys in rising order; found it after "b"',
    });
  });

  describe('header', () => {
    refuses('none', new Map([['model.index', table([tensor('a')])]]), {
      says: 'model.index: header of the bundle; expected the entry with an empty key; found none',
    });
    refuses('bytes that are no message', headed(Uint8Array.of(0xff)), {
      says: /^model\.index: header of the bundle; found bytes that are no such message \(.*\)\. A checkpoint in the format before/,
    });
    refuses('big-endian data', headed(header({ endianness: 1 })), {
      says: 'model.index: byte order of the checkpoint; expected little-endian; found big-endian. Save it again on a little-endian machine.',
    });
    refuses('a newer format', headed(header({ minConsumer: 2 })), {
      says: 'model.index: version of the checkpoint; expected one that version 1 may read; found one that needs version 2',
    });
    refuses('a format that excludes us', headed(header({ badConsumers: [1] })), {
      says: 'model.index: version of the checkpoint; expected one that version 1 may read; found one that excludes it',
    });
    refuses('no shards', headed(header({ shards: 0 })), {
      says: 'model.index: number of shards; expected at least 1; found 0',
    });
    refuses('two billion shards', headed(header({ shards: 2 ** 31 - 1 })), {
      says: /^model\.index: files of the checkpoint; expected model\.data-00000-of-2147483647 beside it; found no such file/,
    });
  });

  describe('entry', () => {
    refusesEntry('bytes that are no message', Uint8Array.of(0x0a, 200), {
      says: /^model\.index: entry of "a"; found bytes that are no such message/,
    });
    refusesEntry('groups within groups', new Uint8Array(5000).fill(0x0b), {
      says: /^model\.index: entry of "a"; found bytes that are no such message/,
    });
    refusesEntry('a negative size', entry({ shape: [-1] }), {
      says: 'model.index: shape in the entry of "a"; expected sizes of at least 0; found [-1]',
    });
    refusesEntry('an unknown rank', entry({ unknownRank: true }), {
      says: 'model.index: shape in the entry of "a"; expected sizes of at least 0; found an unknown rank',
    });
    refusesEntry('a shape of exabytes', entry({ shape: [2 ** 31, 2 ** 31], size: 64 }), {
      says: 'model.index: size of "a"; expected more than any file has for [2147483648, 2147483648]; found 64',
    });
    refusesEntry('a shape whose product is no number', entry({ shape: [...Array(40).fill(2 ** 52), 0], size: 0 }), {
      says: /^model\.index: size of "a"; expected more than any file has for/,
    });
    refusesEntry('an unknown type', entry({ dtype: 99, shape: [16], size: 64 }), {
      says: `model.index: type of "a"; expected one of TensorFlow's type numbers; found 99`,
    });
    refusesEntry('a shard that is not there', entry({ shape: [16], size: 64, shard: 1 }), {
      says: 'model.index: shard in the entry of "a"; expected 0 to 0; found 1',
    });
    refusesEntry('a negative offset', entry({ shape: [16], size: 64, offset: -4 }), {
      says: 'model.index: place in the entry of "a"; expected numbers of at least 0; found 64 bytes at -4',
    });
    refusesEntry('an offset above 2^53', entry({ shape: [16], size: 64, offset: 2 ** 60 }), {
      says: /^model\.index: entry of "a"; expected an integer within ±\(2\^53 - 1\); found 1152921504606846976$/,
    });
    refusesEntry('bytes behind the end', entry({ shape: [16], size: 64, offset: 1 }), {
      says: 'model.data-00000-of-00001: bytes of "a"; expected 64 at 1; found a file of 64 bytes. The file is truncated; fetch it again.',
    });
    refusesEntry('a million strings in a byte', entry({ dtype: 7, shape: [1e6], size: 1 }), {
      says: 'model.index: size of "a"; expected a byte at least for each of [1000000]; found 1',
    });
    refuses('a name that is not UTF-8', bundleOf([{ key: 'a\xff', value: entry({ shape: [16], size: 64 }) }]), {
      says: 'model.index: key "aÿ"; expected UTF-8; found other bytes',
    });
    refuses('tensors that share bytes', bundleOf([tensor('a'), tensor('b')]), {
      says: 'model.data-00000-of-00001: bytes of "b"; expected a place after "a", which ends at 64; found 0',
    });
  });

  describe('partition', () => {
    const part = (start: string, shape: number, offset = 0): Entry => ({
      key: `\0v\0\x01\x01\x01${start}`,
      value: entry({ shape: [shape], size: 4 * shape, offset }),
    });
    const whole = (slices: readonly (readonly [number, number])[], size = 4): Entry => ({
      key: 'v',
      value: entry({ shape: [size], slices: slices.map(slice => [slice]) }),
    });
    refuses(
      'parts that leave a gap',
      bundleOf([
        part('\x80\x81', 1),
        part('\x82\x82', 2, 4),
        whole([
          [0, 1],
          [2, 2],
        ]),
      ]),
      {
        says: 'model.index: parts of "v"; expected parts that make up [4]; found gaps or overlaps',
      },
    );
    refuses(
      'parts that overlap',
      bundleOf([
        part('\x80\x83', 3),
        part('\x82\x82', 2, 12),
        whole([
          [0, 3],
          [2, 2],
        ]),
      ]),
      {
        says: 'model.index: parts of "v"; expected parts that make up [4]; found gaps or overlaps',
      },
    );
    refuses(
      'a part listed twice',
      bundleOf([
        part('\x80\x82', 2),
        whole([
          [0, 2],
          [0, 2],
        ]),
      ]),
      {
        says: 'model.index: parts of "v"; expected parts that make up [4]; found gaps or overlaps',
      },
    );
    refuses('a part outside', bundleOf([part('\x80\x85', 5), whole([[0, 5]])]), {
      says: 'model.index: parts of "v"; expected places inside [4]; found 0,5',
    });
    refuses('a part without entry', bundleOf([whole([[0, 4]])]), {
      says: 'model.index: parts of "v"; expected an entry for 0,4; found no such entry',
    });
    refuses('a part of another shape', bundleOf([part('\x80\x84', 3), whole([[0, 4]])]), {
      says: 'model.index: parts of "v"; expected type 1, shape [4]; found type 1, shape [3]',
    });
    refuses(
      'more axes than are ever cut',
      bundleOf([{ key: 'v', value: entry({ shape: [1, 1, 1, 1, 1], slices: [[[0, 1]]] }) }]),
      {
        says: 'model.index: parts of "v"; expected at most 4 axes; found 5',
      },
    );
  });

  it('is refused in bounded time and memory when prefixes multiply its keys', async () => {
    const long = rawEntry(0, 'k'.repeat(4000), new Uint8Array(0));
    const entries = Array.from({ length: 50_000 }, (_, i) => rawEntry(4000, `${1e6 + i}`.slice(1), new Uint8Array(0)));
    const files = blockOf(withRestarts(concat([rawEntry(0, '', header()), long, ...entries]), [0]));
    const start = performance.now();
    await assert.rejects(openCheckpoint(memorySet(files), 'model'), {
      message: 'model.index: keys; expected at most 16777216 bytes of them; found more',
    });
    assert.ok(performance.now() - start < 5000);
  });
});

interface Says {
  readonly says: string | RegExp;
}

function refuses(what: string, files: ReadonlyMap<string, Uint8Array>, { says }: Says): void {
  it(`is refused for ${what}`, async () => {
    await assert.rejects(openCheckpoint(memorySet(files), 'model.index'), error => {
      assert.ok(error instanceof Bert4ortError, `${error}`);
      if (typeof says === 'string') assert.equal(error.message, says);
      else assert.match(error.message, says);
      return true;
    });
  });
}

function refusesEntry(what: string, value: Uint8Array, says: Says): void {
  refuses(what, bundleOf([{ key: 'a', value }]), says);
}

function tensor(key: string): Entry {
  return { key, value: entry({ shape: [16], size: 64 }) };
}

function indexedEntries(entries: readonly Entry[], options?: TableOptions): Map<string, Uint8Array> {
  return new Map([['model.index', table([{ key: '', value: header() }, ...entries], options)]]);
}

function indexed(options: TableOptions): Map<string, Uint8Array> {
  return indexedEntries([tensor('a')], options);
}

function headed(value: Uint8Array): Map<string, Uint8Array> {
  return new Map([['model.index', table([{ key: '', value }, tensor('a')])]]);
}

function bundleOf(entries: readonly Entry[]): Map<string, Uint8Array> {
  const files = bundle([], entries);
  return new Map([...files, ['model.data-00000-of-00001', DATA]]);
}

/** A table whose only data block has these bytes. */
function blockOf(content: Uint8Array): Map<string, Uint8Array> {
  return indexed({ store: once(content, 0) });
}

/** A table whose only data block is compressed to these bytes. */
function snappy(bytes: Uint8Array): Map<string, Uint8Array> {
  return indexed({ store: once(bytes, 1) });
}

/** Stores `bytes` in place of the first block. */
function once(bytes: Uint8Array, type: number): (content: Uint8Array) => { type: number; bytes: Uint8Array } {
  let done = false;
  return content => {
    if (done) return { type: 0, bytes: content };
    done = true;
    return { type, bytes };
  };
}

function withFooter(handles: Uint8Array): Map<string, Uint8Array> {
  const empty = footer({ offset: 0, size: 0 }, { offset: 0, size: 0 });
  const bytes = concat([block([], 1), latin1('padding'), handles.subarray(0, 40), empty.subarray(40)]);
  return new Map([['model.index', bytes]]);
}

function handleBytes(offset: number, size: number): Uint8Array {
  const bytes = new Uint8Array(40);
  bytes.set(concat([varint(0), varint(8), varint(offset), varint(size)]));
  return bytes;
}
