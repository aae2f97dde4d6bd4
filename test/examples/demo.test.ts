/** `npm run demo`: every answer is the reference's, the story is told, and nothing stays behind. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { main } from '../../examples/demo/main.ts';

describe('demo', () => {
  it('answers as bert4keras does', async () => {
    const told: string[] = [];
    assert.deepEqual(await main(text => void told.push(text)), { compared: 240, equal: 240 });
    assert.match(told.join('\n'), /votes/);
    assert.match(told.join('\n'), /240 of 240 texts are those of the originals/);
    const left = (await readdir(tmpdir())).filter(name => name.startsWith('bert4ort-demo-'));
    assert.deepEqual(left, []);
  });
});
