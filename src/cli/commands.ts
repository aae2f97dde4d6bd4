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
import { tokenizeCommand } from './tokenize.ts';
import { verifyCommand } from './verify.ts';

/** Adds every command; `finish` receives the exit code of the one that ran. */
export function registerCommands(yargs: Argv, finish: (code: number) => void): Argv {
  const add = <F extends Flags>(command: Command<F>) => register(yargs, command, finish);
  add(convertCommand);
  add(inspectCommand);
  add(verifyCommand);
  add(answerCommand);
  add(chatCommand);
  add(completeCommand);
  add(clozeCommand);
  add(fillCommand);
  add(embedCommand);
  add(tokenizeCommand);
  add(benchCommand);
  add(doctorCommand);
  return yargs;
}
