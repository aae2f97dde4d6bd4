/**
 * Reads configurations: JSON objects that people write and tools extend, so unknown keys are left alone, but a value of
 * the wrong kind is an error. Everything wrong is collected and reported at once.
 */
import { ConfigError } from '../../src/core/errors.ts';
import type { Json } from '../../src/core/manifest.ts';
import type { JsonObject } from '../architecture.ts';

/** Typed access to a JSON object. Readers return a stand-in after noting a problem; `finish` then throws. */
export interface ConfigReader {
  /** Whether the key is there and not null. */
  has(key: string): boolean;
  /** An integer of at least `least`; required when no default is given. */
  integer(key: string, least: number, whenAbsent?: number): number;
  /** A boolean; false when absent. */
  flag(key: string): boolean;
  /** One of some words, in any case. */
  word<W extends string>(key: string, words: readonly W[], whenAbsent: W): W;
  /** Any other value; undefined when absent or null. */
  value(key: string): Json | undefined;
  /** Notes what is wrong with a key. */
  refuse(key: string, problem: string): void;
  /** @throws ConfigError listing everything noted so far. */
  finish(): void;
}

/** Sizes of tensors beyond this are none that a runtime takes. */
const LARGEST = 2 ** 31 - 1;

/** What only the program says, as an argument or with `set_gelu`: to the reference these are unknown keys in a file. */
const NOT_IN_FILES: ReadonlySet<string> = new Set(['application', 'gelu']);

/** A reader of `keywords` over `config`, merged as bert4keras merges them; `what` names the whole in errors. */
export function readConfig(what: string, config: JsonObject, keywords: JsonObject): ConfigReader {
  const file = Object.entries(config).filter(([key]) => !NOT_IN_FILES.has(key));
  const merged: JsonObject = { ...Object.fromEntries(file), ...keywords };
  const problems: string[] = [];
  const value = (key: string): Json | undefined => merged[key] ?? undefined;
  const refuse = (key: string, problem: string): void => {
    problems.push(`"${key}" ${problem}`);
  };
  return {
    value,
    refuse,
    has: key => value(key) !== undefined,
    integer(key, least, whenAbsent) {
      const found = value(key) ?? whenAbsent;
      if (typeof found === 'number' && Number.isInteger(found) && found >= least && found <= LARGEST) return found;
      if (typeof found === 'number' && found > LARGEST) {
        refuse(key, `must be at most ${LARGEST}, not ${found}`);
        return least;
      }
      refuse(key, found === undefined ? 'is missing' : `must be an integer of at least ${least}, not ${show(found)}`);
      return least;
    },
    flag(key) {
      const found = value(key) ?? false;
      if (typeof found !== 'boolean') refuse(key, `must be true or false, not ${show(found)}`);
      return found === true;
    },
    word(key, words, whenAbsent) {
      const found = value(key) ?? whenAbsent;
      const word = words.find(candidate => typeof found === 'string' && candidate === found.toLowerCase());
      if (word === undefined) refuse(key, `must be one of ${words.join(', ')}, not ${show(found)}`);
      return word ?? whenAbsent;
    },
    finish() {
      if (problems.length > 0) throw new ConfigError({ what, found: problems.join('; ') });
    },
  };
}

function show(value: Json): string {
  return JSON.stringify(value);
}
