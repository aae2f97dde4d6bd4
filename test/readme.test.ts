/** The README keeps its word: its commands run, its documents exist, its demo output is what the demo says. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { main } from '../examples/demo/main.ts';
import { callCli } from './cli/run-cli.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');

describe('README', () => {
  it('has commands that run', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-readme-'));
    try {
      const commands = README.split('\n').filter(line => line.startsWith('npx bert4ort '));
      assert.ok(commands.length >= 4);
      for (const command of commands) {
        const args = command.split(' ').slice(2);
        const { code, stderr } = await callCli(args.map(arg => arg.replace(/^models\//, `${folder}/`)));
        assert.equal(code, 0, `${command}\n${stderr}`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('shows what the demo says, but for the times', async () => {
    const told: string[] = [];
    await main(text => void told.push(text));
    const untimed = (text: string) => text.replace(/\d+(\.\d+)? m?s\b/g, '…').trim();
    assert.ok(untimed(README).includes(untimed(told.join('\n'))), 'run `npm run demo` and paste its output');
  });

  it('links to what is there, as the documents do', () => {
    const pages = readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.md'))
      .map(name => path.join('docs', name));
    for (const file of ['README.md', 'CONTRIBUTING.md', ...pages]) {
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      const targets = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(match => match[1] ?? '');
      for (const target of targets)
        assert.ok(existsSync(path.join(ROOT, path.dirname(file), target)), `${file}: ${target}`);
    }
  });
});
