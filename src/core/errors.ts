/**
 * Errors of the whole product. Every failure that a user can meet is one of these classes; its message is built from
 * the same parts each time: what failed, in which file and place, what was expected, what was found, what to do next.
 */

/** The parts of an error message; only `what` is required. */
export interface ErrorDetails {
  /** What failed, as a noun phrase: `block checksum`, `weight "bert/pooler/dense/kernel"`. */
  readonly what: string;
  /** The file concerned, as the user named it. */
  readonly file?: string;
  /** Where in the file or input: a byte offset, a line, a layer, a JSON path. */
  readonly place?: string;
  /** What a correct input would have had there. */
  readonly expected?: string;
  /** What was there instead. */
  readonly found?: string;
  /** What the user can do about it. */
  readonly next?: string;
}

/** Base of all errors thrown on purpose; `code` is stable and safe to branch on. */
export class Bert4ortError extends Error {
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, details: ErrorDetails, options?: ErrorOptions) {
    super(describeError(details), options);
    // FORMAT → FormatError: names of classes do not outlive a bundler.
    this.name = `${code.charAt(0)}${code.slice(1).toLowerCase()}Error`;
    this.code = code;
    this.details = details;
  }
}

/** Bytes of a file do not follow the file's format: damaged, truncated, hostile, or of another kind. */
export class FormatError extends Bert4ortError {
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super('FORMAT', details, options);
  }
}

/** Weights and architecture do not fit each other. */
export class WeightsError extends Bert4ortError {
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super('WEIGHTS', details, options);
  }
}

/** A configuration or an option is wrong, unknown, or does not apply. */
export class ConfigError extends Bert4ortError {
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super('CONFIG', details, options);
  }
}

/** What a caller handed to a function or a task can't be used. */
export class InputError extends Bert4ortError {
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super('INPUT', details, options);
  }
}

/** A file or a network resource can't be read or written. */
export class IoError extends Bert4ortError {
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super('IO', details, options);
  }
}

/** ONNX Runtime could not be loaded, could not create a session, or failed while running one. */
export class SessionError extends Bert4ortError {
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super('SESSION', details, options);
  }
}

/** The caller's `AbortSignal` ended the work. */
export class AbortedError extends Bert4ortError {
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super('ABORTED', details, options);
  }
}

/** Throws an {@link AbortedError} when `signal` is aborted; `what` names the work that stops. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError({ what, found: 'aborted by the caller' }, { cause: signal.reason });
}

/** The message of anything thrown, for use inside another error's `found`. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function describeError(details: ErrorDetails): string {
  const where = [details.file, details.place].filter(part => part !== undefined).join(', ');
  const parts = [where === '' ? details.what : `${where}: ${details.what}`];
  if (details.expected !== undefined) parts.push(`expected ${details.expected}`);
  if (details.found !== undefined) parts.push(`found ${details.found}`);
  const message = parts.join('; ');
  return details.next === undefined ? message : `${message}. ${details.next}`;
}
