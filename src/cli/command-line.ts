/**
 * The command line as a function from arguments to an exit code: 0 done, 1 failed, 2 misuse.
 */
import yargs from 'yargs';
import { messageOf } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import { EXIT } from './command.ts';
import { registerCommands, usages } from './commands.ts';
import { misuseText } from './misuse.ts';
import { printNotice } from './terminal.ts';

/** Runs the command that `args` name. Nothing is thrown: errors become messages on standard error. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  const parser = yargs([...args])
    .scriptName('bert4ort')
    .usage('$0 <command>\n\nConverts bert4keras / TensorFlow checkpoints to ONNX and runs them, without Python.')
    .version(VERSION)
    .strictCommands()
    .strict()
    .demandCommand(1, 'Name a command.')
    .parserConfiguration({ 'strip-aliased': true })
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  try {
    await registerCommands(parser, code => {
      exitCode = code;
    }).parseAsync();
  } catch (error) {
    printNotice(`bert4ort: ${misuseText(messageOf(error), args[0], usages)}`);
    return EXIT.misuse;
  }
  return exitCode;
}
