/**
 * The interactive form of a command: a prompt, one line at a time, until Ctrl-D or `/quit`. Ctrl-C stops what is being
 * worked on and nothing else; an error is shown and the loop goes on. Prompts and remarks go to standard error.
 */
import { createInterface } from 'node:readline';
import { AbortedError, messageOf } from '../core/errors.ts';
import { EXIT } from './command.ts';

/** A line that begins with a slash. */
export interface SlashCommand {
  readonly describe: string;
  /** Runs it and returns what to say, if anything. */
  readonly run: (argument: string) => string | undefined;
}

/** What a loop does. */
export interface Repl {
  /** Shown once, above the first prompt. */
  readonly greeting: string;
  readonly prompt: string;
  /** Deals with a line; output is its own affair. `signal` is aborted by Ctrl-C. */
  readonly handle: (line: string, signal: AbortSignal) => Promise<void>;
  /** Commands besides `/help` and `/quit`, by name without the slash. */
  readonly commands: Readonly<Record<string, SlashCommand>>;
}

/** Streams of a loop; the terminal's own unless given. */
export interface ReplStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Whether lines can be edited; taken from the terminal. */
  readonly terminal: boolean;
}

/** Whether a person sits in front of this process. */
export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Runs a loop to its end and returns the exit code. `signal` ends it from outside. */
export async function runRepl(repl: Repl, signal: AbortSignal, streams: ReplStreams = terminal()): Promise<number> {
  const lines = createInterface({ ...streams, prompt: repl.prompt });
  const say = (text: string) => streams.output.write(`${text}\n`);
  let underWay: AbortController | undefined;
  lines.on('SIGINT', () => {
    if (underWay === undefined) say('\nCtrl-D or /quit leaves.');
    else underWay.abort(new AbortedError({ what: 'answer', found: 'Ctrl-C' }));
    lines.prompt();
  });
  signal.addEventListener('abort', () => lines.close());
  say(repl.greeting);
  lines.prompt();
  for await (const line of lines) {
    underWay = new AbortController();
    const leave = await obey(repl, line.trim(), { signal: underWay.signal, say });
    underWay = undefined;
    if (leave) break;
    lines.prompt();
  }
  lines.close();
  return EXIT.done;
}

/** Deals with one line; true when it asks to leave. */
async function obey(
  repl: Repl,
  line: string,
  { signal, say }: { signal: AbortSignal; say: (text: string) => void },
): Promise<boolean> {
  if (line === '') return false;
  const slash = /^\/(\w+)\s*(.*)$/.exec(line);
  if (slash?.[1] === 'quit') return true;
  try {
    if (slash === null) await repl.handle(line, signal);
    else say(obeySlash(repl, slash[1] ?? '', slash[2] ?? ''));
  } catch (error) {
    say(signal.aborted ? '(stopped)' : `bert4ort: ${messageOf(error)}`);
  }
  return false;
}

function obeySlash({ commands }: Repl, name: string, argument: string): string {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command.run(argument) ?? 'ok';
  const rows = Object.entries(commands).map(([known, { describe }]) => `/${known}  ${describe}`);
  const help = [...rows, '/quit  leave (Ctrl-D)', '/help  this list'].join('\n');
  return name === 'help' ? help : `There is no /${name}.\n${help}`;
}

function terminal(): ReplStreams {
  return { input: process.stdin, output: process.stderr, terminal: true };
}
