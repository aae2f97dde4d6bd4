/** The interactive loop: commands, errors that don't end it, and the end of input. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { type Repl, runRepl } from '../../src/cli/repl.ts';

/** Runs a loop over the lines and returns what it wrote. */
async function converse(lines: readonly string[], parts: Partial<Repl> = {}): Promise<string> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const repl: Repl = { greeting: 'hello', prompt: '> ', commands: {}, handle: async () => undefined, ...parts };
  input.end(lines.map(line => `${line}\n`).join(''));
  assert.equal(await runRepl(repl, new AbortController().signal, { input, output, terminal: false }), 0);
  return String(output.read());
}

describe('interactive loop', () => {
  it('hands over lines in order, waiting for each', async () => {
    const seen: string[] = [];
    const handle = async (line: string) => {
      await new Promise(resolve => setTimeout(resolve, line === 'slow' ? 20 : 0));
      seen.push(line);
    };
    await converse(['slow', '', ' quick '], { handle });
    assert.deepEqual(seen, ['slow', 'quick']);
  });

  it('goes on after an error', async () => {
    const seen: string[] = [];
    const handle = async (line: string) => {
      if (line === 'bad') throw new Error('no such thing');
      seen.push(line);
    };
    assert.match(await converse(['bad', 'good'], { handle }), /bert4ort: no such thing/);
    assert.deepEqual(seen, ['good']);
  });

  it('runs slash commands, lists them, and leaves at /quit', async () => {
    const told: string[] = [];
    const commands = { note: { describe: 'take a note', run: (text: string) => void told.push(text) } };
    const handle = async (line: string) => void told.push(line);
    const output = await converse(['/note two words', '/nope', '/help', '/quit', 'after'], { commands, handle });
    assert.deepEqual(told, ['two words']);
    assert.match(output, /There is no \/nope\./);
    assert.match(output, /\/note {2}take a note\n\/quit/);
  });

  it('ends when it is told to from outside', async () => {
    const controller = new AbortController();
    const streams = { input: new PassThrough(), output: new PassThrough(), terminal: false };
    const repl: Repl = { greeting: '', prompt: '', commands: {}, handle: async () => undefined };
    const ended = runRepl(repl, controller.signal, streams);
    controller.abort();
    assert.equal(await ended, 0);
  });
});
