/**
 * Errors as users tell them apart: by class, by code and by name, also after a bundler has renamed the classes.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { build } from 'esbuild';
import * as errors from '../../src/core/errors.ts';

const CLASSES = [
  'FormatError',
  'WeightsError',
  'ConfigError',
  'InputError',
  'IoError',
  'SessionError',
  'AbortedError',
] as const;

describe('errors', () => {
  let minified: typeof errors;

  before(async () => {
    const file = path.resolve(import.meta.dirname, '../../src/core/errors.ts');
    const result = await build({ entryPoints: [file], bundle: true, minify: true, format: 'esm', write: false });
    const text = result.outputFiles[0]?.text ?? '';
    minified = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  });

  for (const name of CLASSES) {
    it(`is called ${name}, minified or not`, () => {
      for (const room of [errors, minified]) {
        const error = new room[name]({
          what: 'size',
          file: 'a.bin',
          expected: '3',
          found: '4',
          next: 'Fetch it again.',
        });
        assert.equal(error.name, name);
        assert.equal(String(error), `${name}: a.bin: size; expected 3; found 4. Fetch it again.`);
        assert.ok(error instanceof room.Bert4ortError && error instanceof Error);
      }
    });
  }
});
