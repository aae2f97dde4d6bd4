/** Ctrl-C during a conversion: exit code 1, one line of explanation, nothing left on the disk. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startCli } from './run-cli.ts';

const MODEL = 'examples/models/qa-unilm';

describe('Ctrl-C', () => {
  before(function () {
    // The test holds the process at a named pipe, which Windows does not have.
    if (process.platform === 'win32') this.skip();
  });

  it('leaves nothing behind', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-interrupt-'));
    const config = path.join(folder, 'config.json');
    execFileSync('mkfifo', [config]);
    const { child, ended } = startCli([
      ...['convert', '--config', config, '--checkpoint', `${MODEL}/best_model.weights`, '--model', 'bert'],
      ...['--application', 'unilm', '--with-mlm', '--out', path.join(folder, 'model')],
    ]);
    const pipe = await open(config, 'w'); // returns when the command has come to read its configuration
    child.kill('SIGINT');
    await pipe.write(await readFile(`${MODEL}/config.json`));
    await pipe.close();
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^bert4ort: converting; found aborted/);
    assert.deepEqual(await readdir(folder), ['config.json']);
    await rm(folder, { recursive: true });
  });
});
