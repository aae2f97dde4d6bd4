#!/usr/bin/env node
/**
 * The `bert4ort` command. Each command is a thin client of the public API and lives in a file of its own; this file only
 * lists them. Exit codes: 0 done, 1 failed, 2 misuse.
 */
import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { messageOf } from '../core/errors.ts';
import { EXIT } from './command.ts';
import { registerCommands } from './commands.ts';
import { printNotice } from './terminal.ts';

const VERSION_FILE = new URL(
  import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json',
  import.meta.url,
);

const parser = yargs(hideBin(process.argv))
  .scriptName('bert4ort')
  .usage('$0 <command>\n\nConverts bert4keras / TensorFlow checkpoints to ONNX and runs them, without Python.')
  .version(String(JSON.parse(readFileSync(VERSION_FILE, 'utf8')).version))
  .strict()
  .demandCommand(1, 'Name a command.')
  .recommendCommands()
  .parserConfiguration({ 'strip-aliased': true })
  .wrap(Math.min(110, process.stdout.columns ?? 100))
  .exitProcess(false)
  .fail((message, error) => {
    throw error ?? new Error(message);
  });

// `bert4ort … | head` closes the pipe early, which is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await registerCommands(parser, code => {
    process.exitCode = code;
  }).parseAsync();
} catch (error) {
  printNotice(`bert4ort: ${messageOf(error)}\nSee "bert4ort --help" or "bert4ort <command> --help".`);
  process.exitCode = EXIT.misuse;
}
