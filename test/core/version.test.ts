import assert from 'node:assert/strict';
import packageJson from '../../package.json' with { type: 'json' };
import { VERSION } from '../../src/core/version.ts';

describe('version', () => {
  it('is that of the package', () => assert.equal(VERSION, packageJson.version));
});
