/**
 * The shape of a command and what all of them share: exit codes, the abort signal of Ctrl-C, and how errors are shown.
 */
import type { ArgumentsCamelCase, Argv, InferredOptionTypes, Options } from 'yargs';
import { AbortedError, Bert4ortError, type ErrorDetails, messageOf } from '../core/errors.ts';
import { printNotice } from './terminal.ts';

/** Exit codes: done, failed, misused. */
export const EXIT = { done: 0, failed: 1, misuse: 2 } as const;

/** Flags by name, as yargs describes them. A positional of the same name fills its flag. */
export type Flags = Readonly<Record<string, Options>>;

/** What yargs parses for flags, in camelCase. */
export type Parsed<F extends Flags> = ArgumentsCamelCase<InferredOptionTypes<F>>;

/** The flag that every command has. */
export const jsonFlag = {
  json: { type: 'boolean', default: false, describe: 'print results and errors as JSON' },
} as const satisfies Flags;

/** A command of the command line. */
export interface Command<F extends Flags> {
  /** yargs command string: `inspect <checkpoint>`. */
  readonly command: string;
  readonly describe: string;
  readonly flags: F & typeof jsonFlag;
  /** Command lines with what they do, for `--help`. */
  readonly examples: readonly [line: string, description: string][];
  /** Runs the command and returns the exit code. */
  readonly run: (options: Parsed<F & typeof jsonFlag>, signal: AbortSignal) => Promise<number>;
}

/** Flags that contradict each other or do not apply: exit code 2, like a flag that does not exist. */
export class MisuseError extends Bert4ortError {
  constructor(details: ErrorDetails) {
    super('MISUSE', details);
  }
}

/** Adds a command to a yargs instance. `finish` receives the exit code. */
export function register<F extends Flags>(yargs: Argv, command: Command<F>, finish: (code: number) => void): Argv {
  const describeFlags = (parser: Argv) => {
    parser.options(command.flags).example(command.examples);
    parser.check(given => requireOnce(given, command.flags) && requireNumbers(given, command.flags));
  };
  return yargs.command<InferredOptionTypes<F & typeof jsonFlag>>(
    command.command,
    command.describe,
    describeFlags,
    async options => {
      finish(await runCommand(signal => command.run(options, signal), Boolean(options['json'])));
    },
  );
}

/** Two values for a flag that takes one are refused; yargs would make a list of them. */
function requireOnce(given: Readonly<Record<string, unknown>>, flags: Flags): true {
  const twice = Object.keys(flags).filter(name => flags[name]?.array !== true && Array.isArray(given[name]));
  if (twice.length > 0) throw new Error(`Given twice: ${twice.map(name => `--${name}`).join(', ')}`);
  return true;
}

/** Words where a number belongs are refused; yargs would make NaN of them. */
function requireNumbers(given: Readonly<Record<string, unknown>>, flags: Flags): true {
  const wrong = Object.keys(flags).filter(name => Number.isNaN(given[name]));
  if (wrong.length > 0) throw new Error(`Not a number: ${wrong.map(name => `--${name}`).join(', ')}`);
  return true;
}

/**
 * Runs `work` with a signal that Ctrl-C aborts; an error becomes a message on standard error and an exit code. A second
 * Ctrl-C ends the process as if nobody listened.
 */
async function runCommand(work: (signal: AbortSignal) => Promise<number>, json: boolean): Promise<number> {
  const controller = new AbortController();
  const interrupt = () => controller.abort(new AbortedError({ what: 'command', found: 'an interrupt' }));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    printNotice(json ? errorJson(error) : `bert4ort: ${errorText(error)}`);
    return error instanceof MisuseError ? EXIT.misuse : EXIT.failed;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

function errorJson(error: unknown): string {
  const known = error instanceof Bert4ortError;
  const body = known ? { code: error.code, ...error.details } : { code: 'UNEXPECTED', what: messageOf(error) };
  return JSON.stringify({ error: messageOf(error), ...body });
}

/** The message of an error that was thrown on purpose; the whole stack of one that was not, for a bug report. */
function errorText(error: unknown): string {
  if (error instanceof Bert4ortError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}
