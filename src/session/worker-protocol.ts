/**
 * What the two ends of a session worker say to each other. Every request has a number, and every reply repeats it.
 */
import { Bert4ortError, ConfigError, type ErrorDetails, messageOf, SessionError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { CacheCall, CacheResult } from './remote-cache.ts';
import type { DeviceChoice, GraphFiles, Ports, SessionOptions } from './session.ts';

/** Work for a worker; `session` is a number that the asking side gave. */
export type WorkerCall =
  | {
      readonly kind: 'open';
      readonly session: number;
      readonly files: GraphFiles;
      readonly ports: Ports;
      readonly options: SessionOptions;
    }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly feeds: Readonly<Record<string, Tensor>>;
      readonly fetches: readonly string[];
      readonly lend: readonly string[];
    }
  | { readonly kind: 'dispose'; readonly session: number };

/** What each kind of call returns. */
export interface WorkerResults {
  readonly open: DeviceChoice;
  readonly run: Readonly<Record<string, Tensor>>;
  readonly dispose: null;
}

/** A call under way. */
export interface WorkerRequest {
  readonly id: number;
  readonly call: WorkerCall | CacheCall;
}

/** The answer. */
export type WorkerReply =
  | { readonly id: number; readonly result: WorkerResults[keyof WorkerResults] | CacheResult }
  | { readonly id: number; readonly error: PortableError };

/** An error as plain data, since classes do not cross threads. */
export interface PortableError {
  readonly code: string;
  readonly details: ErrorDetails;
}

/** An error as it is sent. */
export function packError(thrown: unknown): PortableError {
  if (thrown instanceof Bert4ortError) return { code: thrown.code, details: thrown.details };
  return { code: 'SESSION', details: { what: 'session worker', found: messageOf(thrown) } };
}

/** The error that was sent. */
export function unpackError({ code, details }: PortableError): Bert4ortError {
  return code === 'CONFIG' ? new ConfigError(details) : new SessionError(details);
}

/**
 * Feeds that can be moved: lent ones as they are, the others as copies of their own size, since a message clones all of
 * the memory behind a view.
 */
export function movable(feeds: Readonly<Record<string, Tensor>>, lend: readonly string[]): Record<string, Tensor> {
  const entries = Object.entries(feeds).map(([name, feed]) => {
    return [name, lend.includes(name) ? feed : ({ ...feed, data: feed.data.slice() } as Tensor)] as const;
  });
  return Object.fromEntries(entries);
}

/** The distinct buffers behind tensors or files, to be moved rather than copied. */
export function buffersOf(tensors: Iterable<{ readonly data: ArrayBufferView }>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors) {
    // An array over shared memory stays shared; there is nothing to move.
    if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  }
  return [...buffers];
}
