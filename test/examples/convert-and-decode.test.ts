/** The example of the README runs and answers as the reference does. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { main } from '../../examples/convert-and-decode.ts';

describe('examples/convert-and-decode.ts', () => {
  it('reads the answer from the passage', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-example-'));
    try {
      assert.equal(await main(path.join(folder, 'qa')), '吉乌区');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
