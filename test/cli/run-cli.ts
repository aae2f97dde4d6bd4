/** Runs the command line: in a process of its own, as users do, or in this one, which takes a tenth of the time. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { runCommandLine } from '../../src/cli/command-line.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** How a process ended. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `bert4ort …args`; `ended` tells how it went. */
export function startCli(args: readonly string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], { cwd: ROOT });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text;
  });
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs `bert4ort …args`, with `input` on standard input. */
export function runCli(args: readonly string[], input = ''): Promise<CliResult> {
  const { child, ended } = startCli(args);
  child.stdin.end(input);
  return ended;
}

const { stdout, stderr } = process;
const real = { out: stdout.write, error: stderr.write, log: console.log };

/** Settles when the last call has. One that outlives its test must not leave the next one's output, or mocha's, caught. */
let last: Promise<unknown> = Promise.resolve();

/** Runs `bert4ort …args` in this process, catching what it prints; calls wait for each other. */
export function callCli(args: readonly string[]): Promise<CliResult> {
  const turn = last.then(() => callAlone(args));
  last = turn.catch(() => undefined);
  return turn;
}

async function callAlone(args: readonly string[]): Promise<CliResult> {
  const caught = { stdout: '', stderr: '' };
  const catchInto = (name: 'stdout' | 'stderr') => (text: string) => {
    caught[name] += text;
    return true;
  };
  stdout.write = catchInto('stdout') as typeof stdout.write;
  stderr.write = catchInto('stderr') as typeof stderr.write;
  // yargs prints its help through the console, which mocha's process shares.
  console.log = (text: string) => {
    caught.stdout += `${text}\n`;
  };
  try {
    const code = await runCommandLine(args);
    return { code, ...caught };
  } finally {
    console.log = real.log;
    stdout.write = real.out;
    stderr.write = real.error;
  }
}

/** Parses JSON Lines. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}
