/**
 * A browser's files: `Blob` and `File`, picked, dropped, or kept in a cache. Reads only the ranges that are asked for,
 * so a checkpoint of gigabytes opens at once.
 */
import type { ByteSource, ByteSourceSet } from '../core/byte-source.ts';
import { attempt } from './attempt.ts';
import { checkRange, noSuchFile } from './names.ts';

/** A source over a `Blob`; `name` appears in errors. */
export function blobSource(name: string, blob: Blob): ByteSource {
  const source = { name, size: blob.size };
  return {
    ...source,
    async read(offset, length) {
      checkRange(source, offset, length);
      // A File whose file was changed or removed after it was picked can't be read any more.
      return attempt(
        name,
        'reading',
        async () => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
      );
    },
    async close() {
      return;
    },
  };
}

/** A set of blobs by name: `new Map([...input.files].map(file => [file.name, file]))`. */
export function blobSet(blobs: ReadonlyMap<string, Blob>): ByteSourceSet {
  return {
    async list() {
      return [...blobs.keys()];
    },
    async open(name) {
      const blob = blobs.get(name);
      if (blob === undefined) throw noSuchFile(name, [...blobs.keys()]);
      return blobSource(name, blob);
    },
  };
}
