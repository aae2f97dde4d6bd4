/**
 * Pieces of downloaded files in the browser's Cache API, with a record for each file: which version the pieces are of,
 * and whether they are all there. A new version gets new keys, so that pieces of two can't be mixed.
 */
import { attempt } from './attempt.ts';

/** Bytes in one entry of the cache. Losing a connection costs at most as much. */
export const PIECE = 4 << 20;

/** What is noted about a file. */
export interface FileRecord {
  /** Part of the keys of the pieces. */
  readonly version: string;
  /** What the server called the version: an ETag or a date. */
  readonly tag?: string | undefined;
  readonly size?: number | undefined;
  readonly sha256?: string | undefined;
  readonly complete: boolean;
}

/** What the cache has of a file. */
export interface Kept {
  readonly blob: Blob;
  readonly record: FileRecord;
}

/** What the cache has of the file at `url`: all of it, a beginning of whole pieces, or undefined. */
export async function keptPieces(cache: Cache, url: string): Promise<Kept | undefined> {
  const record = (await (await cache.match(recordKey(url)))?.json()) as FileRecord | undefined;
  if (record === undefined) return undefined;
  const pieces: Blob[] = [];
  for (;;) {
    const piece = await (await cache.match(pieceKey(url, record.version, pieces.length)))?.blob();
    if (piece === undefined) break;
    pieces.push(piece);
  }
  const blob = new Blob(pieces);
  if (record.complete) return blob.size === record.size ? { blob, record } : undefined;
  return { blob: blob.slice(0, blob.size - (blob.size % PIECE)), record };
}

/** Removes a file from the cache. */
export async function forget(cache: Cache, url: string): Promise<void> {
  const record = (await (await cache.match(recordKey(url)))?.json()) as FileRecord | undefined;
  await cache.delete(recordKey(url));
  if (record === undefined) return;
  for (let i = 0; await cache.delete(pieceKey(url, record.version, i)); i++);
}

/** Collects bytes into pieces of one size and keeps each as soon as it is full; without a cache, in memory. */
export interface PieceWriter {
  /** Bytes so far. */
  readonly size: number;
  /** Starts another version of the file, from its first byte. */
  begin(facts: Omit<FileRecord, 'version' | 'complete'>): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
  /** Keeps the last piece and notes that the file is complete. */
  finish(): Promise<Blob>;
}

/** Writes pieces of the file at `url`; `kept` are whole ones that are in the cache already. */
export function pieceWriter(cache: Cache | null, url: string, kept: Kept | undefined): PieceWriter {
  let record: Partial<FileRecord> = kept?.record ?? {};
  let size = kept?.blob.size ?? 0;
  let full = kept === undefined ? [] : cut(kept.blob);
  let bytes: Uint8Array<ArrayBuffer>[] = [];
  let pending = 0;
  const putRecord = (): Promise<Blob> => put(cache, url, recordKey(url), new Blob([JSON.stringify(record)]));
  const flush = async (): Promise<void> => {
    const piece = new Blob(bytes);
    bytes = [];
    pending = 0;
    full.push(await put(cache, url, pieceKey(url, record.version, full.length), piece));
  };
  return {
    get size() {
      return size;
    },
    async begin(facts) {
      full = [];
      bytes = [];
      pending = 0;
      size = 0;
      if (cache !== null) await forget(cache, url);
      record = { ...facts, version: crypto.randomUUID(), complete: false };
      await putRecord();
    },
    async write(next) {
      size += next.length;
      for (let at = 0; at < next.length; ) {
        const end = Math.min(next.length, at + PIECE - pending);
        bytes.push(new Uint8Array(next.subarray(at, end)));
        pending += end - at;
        at = end;
        if (pending === PIECE) await flush();
      }
    },
    async finish() {
      if (pending > 0) await flush();
      record = { ...record, size, complete: true };
      await putRecord();
      return new Blob(full);
    },
  };
}

/** Keeps a part of a file; returns it as the cache gives it back: then it lies on the disk and no longer in memory. */
async function put(cache: Cache | null, url: string, key: string, blob: Blob): Promise<Blob> {
  if (cache === null) return blob;
  const next = "The browser's storage for this site may be full.";
  const keep = async (): Promise<Blob> => {
    await cache.put(key, new Response(blob));
    return (await (await cache.match(key))?.blob()) ?? blob;
  };
  return attempt(url, 'keeping a download', keep, next);
}

function cut(blob: Blob): Blob[] {
  const pieces: Blob[] = [];
  for (let at = 0; at < blob.size; at += PIECE) pieces.push(blob.slice(at, at + PIECE));
  return pieces;
}

function recordKey(url: string): string {
  return keyOf(url, 'record');
}

function pieceKey(url: string, version: string | undefined, index: number): string {
  return keyOf(url, `${version}-${index}`);
}

/** Entries of a cache are addressed by URL; a parameter of our own keeps ours apart. */
function keyOf(url: string, part: string): string {
  const address = new URL(url);
  address.searchParams.set('bert4ort-piece', part);
  return address.href;
}
