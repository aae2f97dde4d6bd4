/**
 * What yargs says about arguments that it can't use, in words that name the option, the command and the way out.
 */
import { nearestNames } from '../../converters/nearest-names.ts';

/** A command as far as its arguments go. */
export interface Usage {
  /** yargs command string: `inspect <path>`. */
  readonly command: string;
  /** Names of its flags. */
  readonly flags: readonly string[];
}

/** The message for a command line whose first argument is `first`. */
export function misuseText(message: string, first: string | undefined, usages: readonly Usage[]): string {
  const usage = usages.find(({ command }) => nameOf(command) === first);
  if (usage !== undefined) return `${aboutCommand(message, usage)}\nSee "bert4ort ${first} --help".`;
  const near = message.startsWith('Unknown command')
    ? nearestNames(
        first ?? '',
        usages.map(one => nameOf(one.command)),
        1,
      )
    : [];
  return `${message}${didYouMean(near)}\nSee "bert4ort --help".`;
}

function nameOf(command: string): string {
  return command.split(' ', 1).join();
}

function aboutCommand(message: string, { command, flags }: Usage): string {
  const [, options] = /^Unknown arguments?: (.*)$/.exec(message) ?? [];
  if (options !== undefined) return unknownOptions(options.split(', '), flags);
  const [, words] = /^Unknown commands?: (.*)$/.exec(message) ?? [];
  if (words !== undefined) return `One argument too many for "bert4ort ${command}": ${words}`;
  const few = message.startsWith('Not enough non-option arguments');
  return few ? `Missing argument: bert4ort ${command}` : message;
}

function unknownOptions(given: readonly string[], flags: readonly string[]): string {
  // yargs lists a name with dashes a second time, in camelCase.
  const names = given.filter(name => !given.some(other => other !== name && camelCase(other) === name));
  const near = names.flatMap(name => nearestNames(name, flags, 1)).map(flag => `--${flag}`);
  return `Unknown option: ${names.map(dashed).join(', ')}${didYouMean(near)}`;
}

function didYouMean(near: readonly string[]): string {
  return near.length === 0 ? '' : `. Did you mean ${near.join(', ')}?`;
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}
