/**
 * Real bundles, changed at random: each is refused with an error of ours, or reads as if nothing had been changed.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { Checkpoint } from '../../converters/checkpoint.ts';
import { tfBundle } from '../../converters/tf-bundle/index.ts';
import { Bert4ortError } from '../../src/core/errors.ts';
import { memorySet } from '../../src/io/memory.ts';
import { bundle, entry, type Stored } from '../converters/tf-bundle-builder.ts';

const CASES = path.join(import.meta.dirname, '../fixtures/cases');

/** Longest that one changed bundle may take; an unchanged one takes a few milliseconds. */
const LONGEST = 2000;

type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'overwrite' | 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'delete' | 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly at: number };

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 });
const length = fc.integer({ min: 1, max: 300 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constantFrom('overwrite' as const, 'insert' as const), at: place, bytes }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'repeat' as const), at: place, length }),
  fc.record({ kind: fc.constant('truncate' as const), at: place }),
);

describe('a damaged TensorFlow bundle', () => {
  for (const [name, runs] of [
    ['roformer-v2-encoder', 1500],
    ['bert-mlm-logits-partitioned', 600],
    ['bert-encoder-tf-keras-optimizer', 300],
    ['nezha-lm', 300],
  ] as const) {
    it(`is refused or reads the same: ${name}`, async () => {
      const { files, index } = load(name);
      const expected = await readAll(files, index);
      const change = fc.record({ file: place, mutation });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async changes => {
          const damaged = new Map(files);
          for (const { file, mutation: how } of changes) {
            const target = [...files.keys()][Math.floor(file * files.size)] ?? index;
            damaged.set(target, mutate(damaged.get(target) ?? new Uint8Array(0), how));
          }
          await refusedOr(async () => assert.deepEqual(await readAll(damaged, index), expected));
        }),
        { numRuns: runs },
      );
    });
  }

  it('is refused or read when only its checksums are right', async () => {
    const tensors: Stored[] = ['a/kernel', 'a/kernel/adam_m', 'b'].map(key => ({
      key,
      shape: [2, 3],
      bytes: new Uint8Array(24),
    }));
    const parts = ['\x80\x81', '\x81\x81'].map(cut => ({
      key: `\0v\0\x01\x01\x01${cut}`,
      shape: [1],
      bytes: new Uint8Array(4),
    }));
    const whole = { key: 'v', value: entry({ shape: [2], slices: [[[0, 1]], [[1, 1]]] }) };
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), fc.nat(3), async (changes, which) => {
        let block = 0;
        const store = (content: Uint8Array) => ({
          type: 0,
          bytes: block++ === which ? changes.reduce(mutate, content) : content,
        });
        const files = bundle([...tensors, ...parts], [whole], { store, perBlock: 4, restartInterval: 2 });
        await refusedOr(async () => void (await readAll(files, 'model.index')));
      }),
      { numRuns: 2000 },
    );
  });
});

/** Fails when `work` takes too long or throws anything but an error of ours. */
async function refusedOr(work: () => Promise<void>): Promise<void> {
  const start = performance.now();
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Bert4ortError)) throw error;
  }
  const took = performance.now() - start;
  assert.ok(took < LONGEST, `took ${took} ms`);
}

function load(name: string): { files: ReadonlyMap<string, Uint8Array>; index: string } {
  const folder = path.join(CASES, name);
  const names = readdirSync(folder).filter(file => /\.(index|data-\S+)$/.test(file));
  const files = new Map(names.map(file => [file, new Uint8Array(readFileSync(path.join(folder, file)))]));
  return { files, index: names.find(file => file.endsWith('.index')) ?? '' };
}

/** Everything a checkpoint says: names, types, shapes, hashes of bytes, what was set aside. */
async function readAll(files: ReadonlyMap<string, Uint8Array>, index: string): Promise<unknown> {
  const checkpoint: Checkpoint = await tfBundle.open(memorySet(files), index, {});
  const tensors = [];
  for (const { name, dtype, shape, crc32c, read } of checkpoint.tensors.values()) {
    tensors.push([
      name,
      dtype,
      shape,
      crc32c,
      createHash('sha256')
        .update(await read())
        .digest('hex'),
    ]);
  }
  return { tensors, skipped: [...checkpoint.skipped], about: checkpoint.about };
}

function mutate(input: Uint8Array, mutation: Mutation): Uint8Array {
  const at = Math.floor(mutation.at * input.length);
  const [before, after] = [input.subarray(0, at), input.subarray(at)];
  switch (mutation.kind) {
    case 'flip':
      return input.map((byte, i) => (i === at ? byte ^ (1 << mutation.bit) : byte));
    case 'overwrite':
      return join(before, mutation.bytes, after.subarray(mutation.bytes.length));
    case 'insert':
      return join(before, mutation.bytes, after);
    case 'delete':
      return join(before, after.subarray(mutation.length));
    case 'repeat':
      return join(before, after.subarray(0, mutation.length), after);
    case 'truncate':
      return before;
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
