/**
 * `bench` of one task in a process of its own, so that loading is cold and memory is its own.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { AbortedError, Bert4ortError, type ErrorDetails, SessionError } from '../../core/errors.ts';
import { EXIT, type Flags, MisuseError } from '../command.ts';
import type { BenchReport } from './report.ts';

/** The entry of the command line, compiled or not. */
const MAIN = path.join(import.meta.dirname, '..', `main${path.extname(import.meta.filename)}`);

/** The flags that were given, as arguments; `without` leaves some out. */
export function argumentsOf(
  options: Readonly<Record<string, unknown>>,
  flags: Flags,
  without: readonly string[],
): readonly string[] {
  return Object.keys(flags).flatMap(name => {
    const value = options[name];
    return value === undefined || without.includes(name) ? [] : [`--${name}=${value}`];
  });
}

/**
 * Runs `bert4ort bench …` and reads its report.
 * @throws what the process reported, MisuseError included; SessionError when it ended without a word; AbortedError.
 */
export async function benchInProcess(args: readonly string[], signal: AbortSignal): Promise<BenchReport> {
  const command = [...process.execArgv, MAIN, 'bench', ...args, '--json'];
  const { code, stdout, stderr } = await runProcess(command, signal);
  if (signal.aborted) throw new AbortedError({ what: 'measuring', found: 'an interrupt' });
  if (code === EXIT.done) return JSON.parse(stdout);
  throw reported(stderr, code);
}

function runProcess(command: readonly string[], signal: AbortSignal) {
  const child = spawn(process.execPath, command, { stdio: ['inherit', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text;
  });
  const stop = () => child.kill();
  signal.addEventListener('abort', stop);
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, stderr }));
  }).finally(() => signal.removeEventListener('abort', stop));
}

/** The error that a process wrote as JSON; its words as they are when it wrote something else. */
function reported(stderr: string, code: number | null): Bert4ortError {
  const line = stderr.split('\n').find(text => text.startsWith('{"error":'));
  if (line === undefined) {
    const found = stderr.trim() || `exit code ${code}`;
    return new SessionError({ what: 'process that measures', expected: 'a report', found });
  }
  const { code: kind, ...details }: { code: string } & ErrorDetails = JSON.parse(line);
  return kind === 'MISUSE' ? new MisuseError(details) : new Bert4ortError(kind, details);
}
