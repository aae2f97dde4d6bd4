/**
 * Bytes in memory behind the interfaces of `core/byte-source.ts`: for tests, for browsers, and for models that a server
 * receives over the network.
 */
import type { ByteSink, ByteSource, ByteSourceSet, ByteWriter } from '../core/byte-source.ts';
import { IoError } from '../core/errors.ts';
import { checkName, checkRange, noSuchFile } from './names.ts';
import { createSha256 } from './sha256.ts';

/** A source over `bytes`, which must not change while it is read. Ranges are views, not copies. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  const source = { name, size: bytes.length };
  return {
    ...source,
    async read(offset, length) {
      checkRange(source, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    async close() {
      return;
    },
  };
}

/** A set of named byte arrays. */
export function memorySet(files: ReadonlyMap<string, Uint8Array>): ByteSourceSet {
  return {
    async list() {
      return [...files.keys()];
    },
    async open(name) {
      const bytes = files.get(name);
      if (bytes === undefined) throw noSuchFile(name, [...files.keys()]);
      return memorySource(name, bytes);
    },
  };
}

/** A sink that keeps what is written; `files` is empty until `commit`. */
export interface MemorySink extends ByteSink {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * A sink into memory.
 *
 * @example
 * const sink = memorySink();
 * const writer = await sink.create('bert4ort.json');
 * await writer.write(new TextEncoder().encode('{}'));
 * await writer.close();
 * await sink.commit();
 * sink.files.get('bert4ort.json'); // the two bytes
 */
export function memorySink(): MemorySink {
  const files = new Map<string, Uint8Array>();
  const pending = new Map<string, Uint8Array | null>();
  return {
    files,
    async create(name, size = 0, { sha256 = false } = {}) {
      checkName(name);
      if (pending.has(name)) throw new IoError({ file: name, what: 'new file', found: 'one of this name already' });
      pending.set(name, null);
      return memoryWriter({ size, sha256 }, bytes => pending.set(name, bytes));
    },
    async commit() {
      for (const [name, bytes] of pending) {
        if (bytes === null)
          throw new IoError({ file: name, what: 'file to publish', found: 'it is still being written' });
        files.set(name, bytes);
      }
      pending.clear();
    },
    async discard() {
      pending.clear();
    },
  };
}

function memoryWriter(
  { size, sha256 }: { readonly size: number; readonly sha256: boolean },
  done: (bytes: Uint8Array) => void,
): ByteWriter {
  const hash = sha256 ? createSha256() : undefined;
  let bytes = new Uint8Array(size);
  let length = 0;
  return {
    async write(more) {
      if (length + more.length > bytes.length) {
        const grown = new Uint8Array(Math.max(length + more.length, 2 * bytes.length));
        grown.set(bytes.subarray(0, length));
        bytes = grown;
      }
      bytes.set(more, length);
      length += more.length;
      hash?.update(more);
    },
    async close() {
      done(bytes.subarray(0, length));
      return hash?.digest();
    },
  };
}
