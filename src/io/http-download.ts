/**
 * A download that survives cut connections: it goes on where it stopped (RFC 9110 §14, Range and If-Range), or from the
 * start when the server has no ranges or the resource has changed meanwhile.
 */
import { Bert4ortError, IoError } from '../core/errors.ts';
import { ConnectionError, connectionError, type HttpAnswer, sendRequest } from './http-request.ts';

/** Where a download starts, and how it is ended. */
export interface DownloadOptions {
  /** Byte to start at, of the version `tag`. Default 0. */
  readonly from?: number;
  /** Version of the bytes that are there already. */
  readonly tag?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes as they arrive. A piece whose offset is 0 after others means that everything starts again. */
export interface DownloadPiece {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly tag: string | undefined;
}

/** Attempts without a single new byte after which a download fails. */
const MAX_FRUITLESS = 5;

/** Milliseconds before the second attempt; doubled for each further one. */
const FIRST_PAUSE = 100;

/**
 * Downloads a resource from `from` to its end.
 * @throws IoError when the server refuses, or after five attempts in a row that brought nothing; AbortedError.
 */
export async function* download(url: string, options: DownloadOptions = {}): AsyncGenerator<DownloadPiece> {
  const { signal } = options;
  let position = options.from ?? 0;
  let furthest = position;
  let tag = options.tag;
  for (let fruitless = 0; ; fruitless++) {
    try {
      const answer = await continued(url, { from: position, tag, signal });
      if (answer.start !== position) position = 0;
      tag = answer.tag;
      for await (const bytes of bodyOf(url, answer, signal)) {
        yield { offset: position, bytes, tag };
        position += bytes.length;
        // Where every attempt starts again, only what none brought before counts.
        if (position > furthest) fruitless = -1;
        furthest = Math.max(furthest, position);
      }
      return;
    } catch (error) {
      if (!(error instanceof ConnectionError) || fruitless + 1 >= MAX_FRUITLESS) throw error;
      await pause(FIRST_PAUSE * 2 ** Math.max(0, fruitless));
    }
  }
}

/** The rest of the resource when it is still the same, else all of it. */
async function continued(url: string, { from = 0, tag, signal }: DownloadOptions): Promise<HttpAnswer> {
  if (from === 0 || tag === undefined) return sendRequest(url, { signal });
  const answer = await sendRequest(url, { from, tag, signal });
  if (answer.start === 0 || answer.tag === tag) return answer;
  await answer.response.body?.cancel();
  return sendRequest(url, { signal });
}

async function* bodyOf(url: string, answer: HttpAnswer, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = answer.response.body?.getReader();
  if (reader === undefined) throw new IoError({ file: url, what: 'answer of the server', found: 'no body' });
  let received = answer.start;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw connectionError(url, cause, signal);
      });
      if (done) break;
      received += value.length;
      yield value;
    }
  } finally {
    // After an error, or when the consumer stopped early, nothing more shall arrive.
    await reader.cancel().catch(rethrowOwn);
  }
  if (answer.size !== undefined && received < answer.size)
    throw connectionError(url, new Error('it ended early'), signal);
}

/** A stream that has failed refuses to be cancelled, with the error that is on its way already. */
function rethrowOwn(error: unknown): void {
  if (error instanceof Bert4ortError) throw error;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}
