/**
 * The package as npm would publish it: built, packed, unpacked into another project, and used there by plain Node without
 * TypeScript. No network: dependencies are links to those of this repository.
 */
import assert from 'node:assert/strict';
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');

describe('npm package', function () {
  this.timeout(240_000);
  let project = '';
  let installed = '';

  before(async () => {
    project = await mkdtemp(path.join(tmpdir(), 'bert4ort-package-'));
    installed = path.join(project, 'node_modules/bert4ort');
    // npm writes remarks about its own settings to standard error; the exit code is what counts here.
    const quiet: ExecFileSyncOptionsWithStringEncoding = {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    };
    execFileSync('npm', ['run', 'build'], quiet);
    const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], quiet);
    const [{ filename }] = JSON.parse(packed);
    await mkdir(installed, { recursive: true });
    execFileSync('tar', ['-xzf', path.join(project, filename), '-C', installed, '--strip-components=1']);
    const { dependencies, peerDependencies } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
      const link = path.join(project, 'node_modules', name);
      await mkdir(path.dirname(link), { recursive: true });
      await symlink(path.join(ROOT, 'node_modules', name), link);
    }
    await writeFile(path.join(project, 'package.json'), '{"type":"module"}');
  });
  after(() => rm(project, { recursive: true }));

  /** Runs plain Node in the project; standard error has to stay empty. */
  function node(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 0, stdout);
    return stdout;
  }

  it('is imported by plain Node, without a word on standard error', async () => {
    const script = `
      import { loadModel, directorySink, splitPath } from 'bert4ort';
      import { convert } from 'bert4ort/convert';
      import { readFile } from 'node:fs/promises';
      const from = ${JSON.stringify(path.join(ROOT, 'examples/models/qa-mlm'))};
      await convert({
        checkpoint: await splitPath(from + '/best_model.weights'),
        config: await readFile(from + '/config.json'),
        keywords: { model: 'bert', with_mlm: true },
        tokenizer: { kind: 'wordpiece', vocab: await readFile(from + '/vocab.txt') },
      }, await directorySink('qa'));
      const model = await loadModel('qa');
      console.log(model.tokenizer.encode('今天').tokenIds.join(' '), (await model.openGraph('model')).device.device);
      await model.dispose();`;
    await writeFile(path.join(project, 'use.js'), script);
    assert.equal(node('use.js'), '2 294 589 3 cpu\n');
  });

  it('has types for every export', async () => {
    const { exports } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
    const targets = Object.values(exports).flatMap(entry =>
      typeof entry === 'object' ? Object.values(entry ?? {}) : [],
    );
    assert.ok(targets.length >= 4);
    for (const target of targets) assert.ok((await stat(path.join(installed, String(target)))).isFile());
    await writeFile(
      path.join(project, 'use.ts'),
      `import { loadModel, type Model } from 'bert4ort';
       import { convert, type ConvertOptions } from 'bert4ort/convert';
       export const open: (path: string) => Promise<Model> = path => loadModel(path);
       export const run = (options: ConvertOptions) => convert(options, { } as Parameters<typeof convert>[1]);
       // @ts-expect-error: a path is a string
       open(1);`,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--types', 'node'];
    const roots = ['--typeRoots', path.join(ROOT, 'node_modules/@types')];
    node(path.join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, ...roots, 'use.ts');
  });

  it('has an executable command', async () => {
    const { bin } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
    const command = path.join(installed, bin.bert4ort);
    assert.equal((await stat(command)).mode & 0o111, 0o111);
    assert.match(execFileSync(command, ['--help'], { encoding: 'utf8' }), /bert4ort convert/);
    const cut = ['tokenize', path.join(ROOT, 'examples/models/completion-gpt2/chinese_vocab.model'), '今天天气'];
    assert.match(node(command, ...cut, '--pre-tokenize', 'jieba'), /▁今天/, "jieba's dictionary is in the package");
  });
});
