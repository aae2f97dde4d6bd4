/**
 * One HTTP request, with what can go wrong turned into typed errors. Used by the range source, the resumable download and
 * the browser cache.
 */
import { AbortedError, IoError, messageOf } from '../core/errors.ts';

/** A request for all or part of a resource. */
export interface HttpRequest {
  readonly method?: 'GET' | 'HEAD';
  /** First byte wanted. Default 0. */
  readonly from?: number;
  /** Last byte wanted, inclusive. Default the last of the resource. */
  readonly to?: number;
  /** Version that a part must belong to; the whole resource comes when it has changed. */
  readonly tag?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The headers of an answer, as far as the server shows them. */
export interface HttpAnswer {
  readonly response: Response;
  /** First byte of the body within the resource: 0 when the server ignored the range. */
  readonly start: number;
  /** Bytes of the whole resource; undefined where the server does not say, or sends it compressed. */
  readonly size: number | undefined;
  /** Version of the resource: its ETag, or else when it was last modified. */
  readonly tag: string | undefined;
}

/** A failure of the connection or of a busy server, which asking again may mend. */
export class ConnectionError extends IoError {}

/**
 * Sends a request.
 * @throws ConnectionError when no answer came, or one of status 408, 429 or 5xx; IoError for any other refusal;
 * AbortedError when the signal ended it.
 */
export async function sendRequest(url: string, request: HttpRequest = {}): Promise<HttpAnswer> {
  const { method = 'GET', signal } = request;
  const headers = rangeHeaders(url, request);
  const response = await fetch(url, {
    method,
    headers,
    cache: 'no-cache',
    ...(signal && { signal }),
  }).catch((cause: unknown) => {
    throw connectionError(url, cause, signal);
  });
  // A range behind the end: the resource has become shorter, and only all of it makes sense.
  if (response.status === 416 && headers['range']) return sendRequest(url, { method, signal });
  if (!response.ok) throw refusal(url, response);
  return { response, start: startOf(url, response, request), size: sizeOf(response), tag: tagOf(response) };
}

/** What a server says of a resource: to HEAD or, where it refuses that, to a GET whose body nobody reads. */
export async function sendHead(url: string, signal?: AbortSignal): Promise<HttpAnswer> {
  try {
    return await sendRequest(url, { method: 'HEAD', signal });
  } catch (error) {
    if (!(error instanceof IoError) || error instanceof ConnectionError) throw error;
    const answer = await sendRequest(url, { signal });
    await answer.response.body?.cancel();
    return answer;
  }
}

/** The typed error for what `fetch`, or reading its body, threw. */
export function connectionError(url: string, cause: unknown, signal?: AbortSignal): IoError | AbortedError {
  if (signal?.aborted) return new AbortedError({ what: `fetching ${url}`, found: 'aborted by the caller' }, { cause });
  const next = 'Check the connection, the address, and that the server allows other origins (CORS).';
  return new ConnectionError({ file: url, what: 'connection', found: messageOf(cause), next }, { cause });
}

function rangeHeaders(url: string, { from = 0, to, tag }: HttpRequest): Record<string, string> {
  if (from === 0 && to === undefined) return {};
  const range = { range: `bytes=${from}-${to ?? ''}` };
  // Across origins If-Range would need the server's leave (a preflight); there, comparing tags has to do.
  const sameOrigin = new URL(url).origin === globalThis.location?.origin;
  const strong = tag !== undefined && !tag.startsWith('W/');
  return sameOrigin && strong ? { ...range, 'if-range': tag } : range;
}

function refusal(url: string, response: Response): IoError {
  const details = {
    file: url,
    what: 'answer of the server',
    found: `${response.status} ${response.statusText}`.trim(),
  };
  const { status } = response;
  return status === 408 || status === 429 || status >= 500 ? new ConnectionError(details) : new IoError(details);
}

/** @throws IoError when the part is another than was asked for. */
function startOf(url: string, { status, headers }: Response, { from = 0 }: HttpRequest): number {
  if (status !== 206) return 0;
  const range = headers.get('content-range') ?? '';
  // Across origins the server must allow this header to be seen.
  if (range === '' || range.startsWith(`bytes ${from}-`)) return from;
  throw new IoError({ file: url, what: 'range', expected: `bytes from ${from}`, found: range });
}

function tagOf({ headers }: Response): string | undefined {
  return headers.get('etag') ?? headers.get('last-modified') ?? undefined;
}

function sizeOf({ headers, status }: Response): number | undefined {
  if (headers.has('content-encoding')) return undefined;
  const text = status === 206 ? headers.get('content-range')?.split('/')[1] : headers.get('content-length');
  return text !== undefined && text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}
