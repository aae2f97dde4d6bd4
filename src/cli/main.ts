#!/usr/bin/env node
/**
 * The `bert4ort` command.
 */
import { hideBin } from 'yargs/helpers';
import { runCommandLine } from './command-line.ts';

// `bert4ort … | head` closes the pipe early, which is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runCommandLine(hideBin(process.argv));
