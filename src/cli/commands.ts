/**
 * The table of commands, in the order `--help` lists them. A new command is one file and one line here.
 */
import type { Argv } from 'yargs';
import { answerCommand } from './answer.ts';
import { benchCommand } from './bench/bench.ts';
import { chatCommand } from './chat.ts';
import { clozeCommand } from './cloze.ts';
import { type Command, type Flags, register } from './command.ts';
import { completeCommand } from './complete.ts';
import { convertCommand } from './convert.ts';
import { doctorCommand } from './doctor.ts';
import { embedCommand } from './embed.ts';
import { fillCommand } from './fill.ts';
import { inspectCommand } from './inspect.ts';
import type { Usage } from './misuse.ts';
import { tokenizeCommand } from './tokenize.ts';
import { verifyCommand } from './verify.ts';

const commands = [
  entry(convertCommand),
  entry(inspectCommand),
  entry(verifyCommand),
  entry(answerCommand),
  entry(chatCommand),
  entry(completeCommand),
  entry(clozeCommand),
  entry(fillCommand),
  entry(embedCommand),
  entry(tokenizeCommand),
  entry(benchCommand),
  entry(doctorCommand),
];

/** Adds every command; `finish` receives the exit code of the one that ran. */
export function registerCommands(yargs: Argv, finish: (code: number) => void): Argv {
  for (const { register } of commands) register(yargs, finish);
  return yargs;
}

/** The arguments of every command, for messages about wrong ones. */
export const usages: readonly Usage[] = commands.map(({ usage }) => usage);

function entry<F extends Flags>(command: Command<F>) {
  return {
    usage: { command: command.command, flags: Object.keys(command.flags) },
    register: (yargs: Argv, finish: (code: number) => void) => register(yargs, command, finish),
  };
}
