/**
 * Downloads through the browser's Cache API. A download that was cut, by the network or by closing the page, goes on with
 * the first piece that is missing, and the file comes back as a Blob over its pieces, of which nothing is in memory.
 *
 * A SHA-256 that is expected is compared once, of everything, also of what an earlier page has fetched; what is kept with
 * it is trusted from then on. Where none is known, the server is asked whether it still has the same version; without a
 * connection what is there is used.
 */
import { Bert4ortError, FormatError, IoError } from '../core/errors.ts';
import { type ExpectedFile, requireSame } from '../core/expected-file.ts';
import type { ProgressListener } from '../core/progress.ts';
import { attempt } from './attempt.ts';
import { blobSource } from './blob.ts';
import { type FileRecord, forget, type Kept, keptPieces, pieceWriter } from './browser-cache-pieces.ts';
import { download } from './http-download.ts';
import { ConnectionError, connectionError, sendHead } from './http-request.ts';
import { requireSpace } from './opfs.ts';
import { createSha256, hashSource } from './sha256.ts';

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
  return attempt(name, 'Cache API', () => caches.open(name), next);
}

/**
 * The file at `url`: from the cache, from the network, or the beginning from one and the rest from the other.
 * Whoever wants the same at once, in this page or another, waits for it.
 * @throws IoError when it can't be fetched or kept; FormatError when it is not what was expected, and then nothing of
 * it is kept; AbortedError.
 */
export async function fetchFile(url: string, expected: ExpectedFile, options: FetchOptions): Promise<Blob> {
  const { cache, signal } = options;
  if (cache === null) return fetchAlone(url, expected, options);
  try {
    return await navigator.locks.request(url, signal ? { signal } : {}, () => fetchAlone(url, expected, options));
  } catch (error) {
    throw error instanceof Bert4ortError ? error : connectionError(url, error, signal);
  }
}

async function fetchAlone(url: string, expected: ExpectedFile, options: FetchOptions): Promise<Blob> {
  const { cache, signal } = options;
  const kept = cache === null ? undefined : await keptPieces(cache, url);
  if (kept?.record.complete && (await isCurrent(url, kept.record, expected, signal))) return kept.blob;
  const beginning = kept !== undefined && !kept.record.complete && fits(kept.record, expected) ? kept : undefined;
  try {
    return await receive(url, expected, options, beginning);
  } catch (error) {
    if (cache !== null && error instanceof FormatError) await forget(cache, url);
    throw error;
  }
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
    const { tag } = await sendHead(url, signal);
    return tag !== undefined && tag === record.tag;
  } catch (error) {
    if (error instanceof ConnectionError) return true;
    throw error;
  }
}

function fits(record: FileRecord, { size, sha256 }: ExpectedFile): boolean {
  return record.sha256 === sha256 && (size === undefined || record.size === undefined || record.size === size);
}

/** Downloads what is missing, keeps it piece by piece, and checks the whole. */
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
  const pieces = pieceWriter(cache, url, start);
  let hash = sha256 === undefined ? undefined : createSha256();
  if (start !== undefined && hash !== undefined) await hashSource(hash, blobSource(file, start.blob));
  if (from !== size) {
    for await (const { offset, bytes, tag } of download(url, { from, tag: start?.record.tag, signal })) {
      if (offset === 0) {
        await pieces.begin({ tag, size, sha256 });
        hash = hash && createSha256();
      }
      await pieces.write(bytes);
      hash?.update(bytes);
      onProgress?.({ status: 'progress', file, loaded: pieces.size, total: size ?? pieces.size });
    }
  }
  requireSame(expected, { size: pieces.size, sha256: hash?.digest() });
  return pieces.finish();
}
