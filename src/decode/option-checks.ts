/**
 * Range checks that the searches and processors share. A wrong option is a ConfigError that names it.
 */
import { ConfigError, InputError } from '../core/errors.ts';

/** Throws a ConfigError unless `value` is an integer of at least `lowest`. */
export function checkInteger(name: string, value: number, lowest: number): void {
  if (!Number.isSafeInteger(value) || value < lowest) refuse(name, `an integer of at least ${lowest}`, value);
}

/** Throws a ConfigError unless `value` is a finite number above 0. */
export function checkPositive(name: string, value: number): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) refuse(name, 'a finite number above 0', value);
}

/** Throws a ConfigError unless `value` is finite. */
export function checkFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) refuse(name, 'a finite number', value);
}

/** Throws a ConfigError unless 0 < `value` <= 1. */
export function checkFraction(name: string, value: number): void {
  if (!(value > 0 && value <= 1)) refuse(name, 'a number above 0 and at most 1', value);
}

/** Throws a ConfigError unless `topK` is an integer of at least 1, an InputError when there are not as many tokens. */
export function checkTopK(topK: number, vocabSize: number): void {
  checkInteger('topK', topK, 1);
  if (topK <= vocabSize) return;
  throw new InputError({ what: 'topK', expected: `at most ${vocabSize}, the vocabulary's size`, found: String(topK) });
}

/** Throws a ConfigError that `name` has a value it can't have. */
export function refuse(name: string, expected: string, found: unknown): never {
  throw new ConfigError({ what: `option ${name}`, expected, found: String(found) });
}
