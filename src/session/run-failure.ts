/**
 * The error of a run, wherever it is noticed: in ONNX Runtime, or before it by a session that was given back.
 */
import { SessionError } from '../core/errors.ts';

/** What ended a run before it had outputs. */
export function runFailure(found = 'its session was disposed', options?: ErrorOptions): SessionError {
  return new SessionError({ what: 'run of a graph', found }, options);
}
