/**
 * Downloads through the browser's Cache API. A download that was cut, by the network or by closing the page, goes on with
 * the first piece that is missing, and the file comes back as a Blob over its pieces, of which nothing is in memory.
 *
 * What is kept is trusted when it has the SHA-256 that is expected, or, where none is known, when the server still has
 * the same version; without a connection what is there is used.
 */
import { FormatError, IoError } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { type FileRecord, forget, type Kept, keptPieces, PieceWriter } from './browser-cache-pieces.ts';
import { download } from './http-download.ts';
import { ConnectionError, sendRequest } from './http-request.ts';
import { requireSpace } from './opfs.ts';

/** What is known of a file before it is fetched. */
export interface ExpectedFile {
  /** How progress and errors call it. */
  readonly file: string;
  /** Bytes. */
  readonly size?: number | undefined;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256?: string | undefined;
}

/** Options of {@link fetchFile}. */
export interface FetchOptions {
  /** Where files are kept; null keeps them in memory only. */
  readonly cache: Cache | null;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens the cache of this name. @throws IoError where the browser has none: outside of secure contexts. */
export async function openCache(name: string): Promise<Cache> {
  const next = 'Serve the page over HTTPS or from localhost, or set `cache: false`.';
  if (globalThis.caches === undefined) throw new IoError({ what: 'Cache API', found: 'none on this page', next });
  return caches.open(name);
}

/**
 * The file at `url`: from the cache, from the network, or the beginning from one and the rest from the other.
 * @throws IoError when it can't be fetched or kept; FormatError when it is not what was expected, and then nothing of
 * it is kept; AbortedError.
 */
export async function fetchFile(url: string, expected: ExpectedFile, options: FetchOptions): Promise<Blob> {
  const { cache, signal } = options;
  const kept = cache === null ? undefined : await keptPieces(cache, url);
  if (kept?.record.complete && (await isCurrent(url, kept.record, expected, signal))) return kept.blob;
  const beginning = kept !== undefined && !kept.record.complete && fits(kept.record, expected) ? kept : undefined;
  const blob = await receive(url, expected, options, beginning);
  return check(blob, expected).catch(async error => {
    if (cache !== null) await forget(cache, url);
    throw error;
  });
}

async function isCurrent(
  url: string,
  record: FileRecord,
  expected: ExpectedFile,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!fits(record, expected)) return false;
  if (expected.sha256 !== undefined) return true;
  try {
    const { tag } = await sendRequest(url, { method: 'HEAD', signal });
    return tag !== undefined && tag === record.tag;
  } catch (error) {
    if (error instanceof ConnectionError) return true;
    throw error;
  }
}

function fits(record: FileRecord, { size, sha256 }: ExpectedFile): boolean {
  return record.sha256 === sha256 && (size === undefined || record.size === undefined || record.size === size);
}

/** Downloads what is missing and keeps it, piece by piece. */
async function receive(
  url: string,
  expected: ExpectedFile,
  { cache, onProgress, signal }: FetchOptions,
  beginning: Kept | undefined,
): Promise<Blob> {
  const { file, size, sha256 } = expected;
  const start = beginning?.record.tag === undefined ? undefined : beginning;
  const from = start?.blob.size ?? 0;
  if (cache !== null && size !== undefined) await requireSpace(file, size - from);
  onProgress?.({ status: 'download', file });
  const pieces = new PieceWriter(cache, url, start);
  if (from !== size) {
    for await (const { offset, bytes, tag } of download(url, { from, tag: start?.record.tag, signal })) {
      if (offset === 0) await pieces.begin({ tag, size, sha256 });
      await pieces.write(bytes);
      onProgress?.({ status: 'progress', file, loaded: pieces.size, total: size ?? pieces.size });
    }
  }
  return pieces.finish();
}

/** @throws FormatError when `blob` has another size or SHA-256 than expected. */
async function check(blob: Blob, { file, size, sha256 }: ExpectedFile): Promise<Blob> {
  const next = 'The server has another file than the manifest was written for; fetch all of the model again.';
  if (size !== undefined && blob.size !== size) {
    throw new FormatError({ file, what: 'size', expected: `${size} bytes`, found: `${blob.size}`, next });
  }
  if (sha256 === undefined) return blob;
  const found = await sha256Of(blob);
  if (found !== sha256) throw new FormatError({ file, what: 'SHA-256', expected: sha256, found, next });
  return blob;
}

/** SHA-256 of a blob, in hexadecimal. */
export async function sha256Of(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
}
