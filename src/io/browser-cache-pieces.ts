/**
 * Pieces of downloaded files in the browser's Cache API, with a record for each file: which version the pieces are of,
 * and whether they are all there. A new version gets new keys, so that pieces of two can't be mixed.
 */
import { IoError, messageOf } from '../core/errors.ts';

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
export class PieceWriter {
  record: FileRecord | undefined;
  size: number;
  readonly #cache: Cache | null;
  readonly #url: string;
  #full: Blob[];
  #bytes: Uint8Array<ArrayBuffer>[] = [];
  #pending = 0;

  /** @param kept whole pieces that are in the cache already */
  constructor(cache: Cache | null, url: string, kept: Kept | undefined) {
    this.#cache = cache;
    this.#url = url;
    this.record = kept?.record;
    this.size = kept?.blob.size ?? 0;
    this.#full = kept === undefined ? [] : cut(kept.blob);
  }

  /** Starts another version of the file, from its first byte. */
  async begin(facts: Omit<FileRecord, 'version' | 'complete'>): Promise<void> {
    this.#full = [];
    this.#bytes = [];
    this.#pending = 0;
    this.size = 0;
    if (this.#cache !== null) await forget(this.#cache, this.#url);
    this.record = { ...facts, version: crypto.randomUUID(), complete: false };
    await this.#put(recordKey(this.#url), new Blob([JSON.stringify(this.record)]));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.size += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + PIECE - this.#pending);
      this.#bytes.push(new Uint8Array(bytes.subarray(at, end)));
      this.#pending += end - at;
      at = end;
      if (this.#pending === PIECE) await this.#flush();
    }
  }

  /** Keeps the last piece and notes that the file is complete. */
  async finish(): Promise<Blob> {
    if (this.#pending > 0) await this.#flush();
    const record = { ...this.record, size: this.size, complete: true };
    await this.#put(recordKey(this.#url), new Blob([JSON.stringify(record)]));
    return new Blob(this.#full);
  }

  async #flush(): Promise<void> {
    const piece = new Blob(this.#bytes);
    this.#bytes = [];
    this.#pending = 0;
    this.#full.push(await this.#put(pieceKey(this.#url, this.record?.version ?? '', this.#full.length), piece));
  }

  /** What was put, as the cache gives it back: then it lies on the disk and no longer in memory. */
  async #put(key: string, blob: Blob): Promise<Blob> {
    if (this.#cache === null) return blob;
    try {
      await this.#cache.put(key, new Response(blob));
      return (await (await this.#cache.match(key))?.blob()) ?? blob;
    } catch (cause) {
      const next = "The browser's storage for this site may be full.";
      throw new IoError({ file: this.#url, what: 'keeping a download', found: messageOf(cause), next }, { cause });
    }
  }
}

function cut(blob: Blob): Blob[] {
  const pieces: Blob[] = [];
  for (let at = 0; at < blob.size; at += PIECE) pieces.push(blob.slice(at, at + PIECE));
  return pieces;
}

function recordKey(url: string): string {
  return keyed(url, 'record');
}

function pieceKey(url: string, version: string, index: number): string {
  return keyed(url, `${version}-${index}`);
}

/** Entries of a cache are addressed by URL; a parameter of our own keeps ours apart. */
function keyed(url: string, key: string): string {
  const address = new URL(url);
  address.searchParams.set('bert4ort-piece', key);
  return address.href;
}
