/**
 * The shape of a command and what all of them share: exit codes, the abort signal of Ctrl-C, and how errors are shown.
 */
import type { ArgumentsCamelCase, Argv, InferredOptionTypes, Options } from 'yargs';
import { Bert4ortError, messageOf } from '../core/errors.ts';
import { printNotice } from './terminal.ts';

/** Exit codes: done, failed, misused. */
export const EXIT = { done: 0, failed: 1, misuse: 2 } as const;

/** Flags by name, as yargs describes them. A positional of the same name fills its flag. */
export type Flags = Readonly<Record<string, Options>>;

/** What yargs parses for flags, in camelCase. */
export type Parsed<F extends Flags> = ArgumentsCamelCase<InferredOptionTypes<F>>;

/** A command of the command line. */
export interface Command<F extends Flags> {
  /** yargs command string: `inspect <checkpoint>`. */
  readonly command: string;
  readonly describe: string;
  readonly flags: F;
  /** Command lines with what they do, for `--help`. */
  readonly examples: readonly [line: string, description: string][];
  /** Runs the command and returns the exit code. */
  readonly run: (options: Parsed<F>, signal: AbortSignal) => Promise<number>;
}

/** Adds a command to a yargs instance. `finish` receives the exit code. */
export function register<F extends Flags>(yargs: Argv, command: Command<F>, finish: (code: number) => void): Argv {
  const describeFlags = (parser: Argv) => {
    parser.options(command.flags).example(command.examples);
  };
  return yargs.command<InferredOptionTypes<F>>(command.command, command.describe, describeFlags, async options => {
    finish(await runCommand(signal => command.run(options, signal), process.argv.includes('--json')));
  });
}

/** Runs `work` with a signal that Ctrl-C aborts; a typed error becomes a message and exit code 1. */
export async function runCommand(work: (signal: AbortSignal) => Promise<number>, json: boolean): Promise<number> {
  const controller = new AbortController();
  const interrupt = () => controller.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    reportError(error, json);
    return EXIT.failed;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

function reportError(error: unknown, json: boolean): void {
  const known = error instanceof Bert4ortError;
  if (json) {
    const body = known ? { code: error.code, ...error.details } : { code: 'UNEXPECTED', what: messageOf(error) };
    printNotice(JSON.stringify({ error: messageOf(error), ...body }));
    return;
  }
  printNotice(
    `bert4ort: ${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`,
  );
}
