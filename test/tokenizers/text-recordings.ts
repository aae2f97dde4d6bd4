/**
 * Recordings of what bert4keras answers for texts and vocabularies (test/fixtures/text/README.md), and the vocabularies
 * they were made with.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { InputError } from '../../src/core/errors.ts';
import { loadVocab, type TokenDict } from '../../src/tokenizers/vocabulary.ts';

/** The folder of the recordings' inputs. */
export const textFixtures = new URL('../fixtures/text/', import.meta.url);

/** A Python exception in place of a result. */
export interface Failure {
  readonly error: string;
}

const vocabFiles: Readonly<Record<string, string>> = {
  bert: 'bert-base-chinese-vocab.txt',
  cgpt: 'cgpt-vocab.txt',
  clue: 'clue-vocab.txt',
};
const dicts = new Map<string, TokenDict>();

/** One recording file, by name, from `folder`. */
export function readRecording<Recording>(name: string, folder: URL = new URL('cases/', textFixtures)): Recording {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Recording;
}

/** The bytes of one of the three vocabularies: `bert`, `cgpt` or `clue`. */
export function vocabBytes(name: string): Uint8Array {
  return readFileSync(new URL(`vocabs/${vocabFiles[name]}`, textFixtures));
}

/** The whole dict of one of the three vocabularies. */
export function vocabDict(name: string): TokenDict {
  const known = dicts.get(name);
  if (known !== undefined) return known;
  const dict = loadVocab(vocabBytes(name)).tokenDict;
  dicts.set(name, dict);
  return dict;
}

/** Asserts that `run` gives what was recorded, or an InputError where Python raised. */
export function assertRecorded<Result>(run: () => Result, recorded: Result | Failure, label: string): void {
  if (isFailure(recorded)) assert.throws(run, InputError, label);
  else assert.deepEqual(run(), recorded, label);
}

function isFailure(recorded: unknown): recorded is Failure {
  return typeof recorded === 'object' && recorded !== null && 'error' in recorded;
}
