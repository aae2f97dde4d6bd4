/**
 * Ids of special tokens that a task can't do without.
 */
import { ConfigError } from '../core/errors.ts';

/** The id. @throws ConfigError when the vocabulary lacks the token. */
export function requireId(id: number | undefined, name: 'start' | 'end' | 'mask'): number {
  if (id !== undefined) return id;
  const next = 'This task needs another vocabulary, or another model.';
  throw new ConfigError({ what: `${name} token`, expected: 'one in the vocabulary', found: 'none', next });
}
