/**
 * Files behind a URL prefix. Where the server supports ranges only those that are asked for are fetched, so a checkpoint
 * can be converted without being downloaded first; elsewhere a file is fetched whole when it is opened.
 */
import type { ByteSource, ByteSourceSet } from '../core/byte-source.ts';
import { IoError } from '../core/errors.ts';
import { blobSource } from './blob.ts';
import { download } from './http-download.ts';
import { connectionError, sendHead, sendRequest } from './http-request.ts';
import { checkName, checkRange, noSuchFile } from './names.ts';

/** Options of {@link httpSet}. */
export interface HttpSetOptions {
  /** Names of the files, since HTTP has no listing. Without them `list` is refused. */
  readonly names?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * The files under `base`, the URL of a folder (a slash is added where it lacks one).
 * @example
 * const files = httpSet('https://example.org/chinese_L-12_H-768_A-12/', {
 *   names: ['bert_model.ckpt.index', 'bert_model.ckpt.data-00000-of-00001'],
 * });
 */
export function httpSet(base: string | URL, options: HttpSetOptions = {}): ByteSourceSet {
  return {
    async list() {
      if (options.names !== undefined) return options.names;
      throw new IoError({ file: `${base}`, what: 'listing', found: 'HTTP has none', next: 'Give `names`.' });
    },
    async open(name) {
      checkName(name);
      if (options.names !== undefined && !options.names.includes(name)) throw noSuchFile(name, options.names);
      return openUrl(fileUrl(base, name), options.signal);
    },
  };
}

/** Address of a file of a folder. */
export function fileUrl(base: string | URL, name: string): string {
  const folder = new URL(base, globalThis.location?.href);
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  const url = new URL(name.split('/').map(encodeURIComponent).join('/'), folder);
  url.search = folder.search;
  return url.href;
}

/**
 * Opens one resource.
 * @throws IoError when the server refuses it; AbortedError.
 */
async function openUrl(url: string, signal?: AbortSignal): Promise<ByteSource> {
  const head = await sendHead(url, signal);
  if (head.size !== undefined && head.response.headers.get('accept-ranges') === 'bytes') {
    return rangeSource(url, { ...head, size: head.size }, signal);
  }
  const parts: Blob[] = [];
  for await (const { offset, bytes } of download(url, { signal })) {
    if (offset === 0) parts.length = 0;
    parts.push(new Blob([new Uint8Array(bytes)]));
  }
  return blobSource(url, new Blob(parts));
}

/** @throws IoError when the resource is another than `tag` says. */
function rangeSource(
  url: string,
  { size, tag }: { readonly size: number; readonly tag: string | undefined },
  signal?: AbortSignal,
): ByteSource {
  const source = { name: url, size };
  return {
    ...source,
    async read(offset, length) {
      checkRange(source, offset, length);
      if (length === 0) return new Uint8Array(0);
      const answer = await sendRequest(url, { from: offset, to: offset + length - 1, signal });
      if (answer.tag !== tag) throw changed(url, tag, answer.tag);
      const body = await answer.response.arrayBuffer().catch((cause: unknown) => {
        throw connectionError(url, cause, signal);
      });
      // A server may ignore the range and send everything; that is slow, but not wrong.
      const bytes = new Uint8Array(body).subarray(answer.response.status === 206 ? 0 : offset).subarray(0, length);
      if (bytes.length === length) return bytes;
      throw new IoError({ file: url, what: 'range', expected: `${length} bytes`, found: `${bytes.length}` });
    },
    async close() {
      return;
    },
  };
}

function changed(url: string, expected: string | undefined, found: string | undefined): IoError {
  const next = 'It was replaced while it was read; start again.';
  return new IoError({ file: url, what: 'version', expected: `${expected}`, found: `${found}`, next });
}
