/**
 * Strict reading of settings: of a task's section in the manifest and of the options of a call. A key that the task does
 * not know and a value of the wrong kind are refused; ranges are the business of whoever uses a value.
 */
import { ConfigError } from '../core/errors.ts';
import { shown } from '../core/json-reader.ts';
import { MANIFEST_FILE, type Manifest } from '../core/manifest.ts';

/** A kind of value. */
export interface SettingKind {
  /** In words, for errors. */
  readonly name: string;
  accepts(value: unknown): boolean;
}

/** Key → kind of value. */
export type SettingChecks = Readonly<Record<string, SettingKind>>;

/** A number, not NaN. */
export const number: SettingKind = {
  name: 'a number',
  accepts: value => typeof value === 'number' && !Number.isNaN(value),
};

/** An integer that is not below `least`. */
export function wholeNumber(least: number): SettingKind {
  return {
    name: `a whole number from ${least} up`,
    accepts: value => Number.isInteger(value) && Number(value) >= least,
  };
}

/** A string. */
export const string: SettingKind = { name: 'a string', accepts: value => typeof value === 'string' };

/** A function; never in a manifest. */
export const callable: SettingKind = { name: 'a function', accepts: value => typeof value === 'function' };

/** One of these values. */
export function oneOf(...values: readonly (string | boolean)[]): SettingKind {
  return { name: `one of ${values.join(', ')}`, accepts: value => values.some(known => known === value) };
}

/** An array of values of one kind; of `length` values where that is given. */
export function listOf(kind: SettingKind, length?: number): SettingKind {
  return {
    name: length === undefined ? `a list, each ${kind.name}` : `a list of ${length}, each ${kind.name}`,
    accepts: value =>
      Array.isArray(value) && (length ?? value.length) === value.length && value.every(one => kind.accepts(one)),
  };
}

/** An array of at least one value of a kind. */
export function someOf(kind: SettingKind): SettingKind {
  const list = listOf(kind);
  return {
    name: `${list.name}, not empty`,
    accepts: value => list.accepts(value) && Array.isArray(value) && value.length > 0,
  };
}

/**
 * Checks settings against what a task knows; undefined passes for any key, and so does null (a default taken away) unless
 * `nullable` is false.
 * @param place how the user knows where they stand: `tasks.chat of bert4ort.json`, `options of chat`.
 * @throws ConfigError naming all unknown keys, or the first value of a wrong kind.
 */
export function checkSettings(settings: object, checks: SettingChecks, place: string, nullable = true): void {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const unknown = given.flatMap(([key]) => (Object.hasOwn(checks, key) ? [] : [key]));
  if (unknown.length > 0) {
    const expected = `only ${Object.keys(checks).join(', ')}`;
    throw new ConfigError({ what: 'settings', place, expected, found: unknown.join(', ') });
  }
  for (const [key, value] of given) {
    const kind = checks[key];
    if ((value === null && nullable) || kind?.accepts(value) !== false) continue;
    throw new ConfigError({ what: `setting ${key}`, place, expected: kind.name, found: shown(value) });
  }
}

/** The manifest's settings of a task. @throws ConfigError when they hold anything that the task does not know. */
export function manifestSettings<S extends object>({ tasks }: Manifest, task: string, checks: SettingChecks): S {
  const settings = tasks[task] ?? {};
  checkSettings(settings, checks, `tasks.${task} of ${MANIFEST_FILE}`);
  return settings as S;
}

/** How {@link createSettingsReader} reads a task's settings. */
export interface TaskSettings<S extends object> {
  /** Key of the task in the manifest. */
  readonly task: string;
  readonly checks: SettingChecks;
  readonly defaults: S;
}

/**
 * Settings for calls of a task whose defaults can be replaced but not taken away: defaults < the manifest < the call's
 * options, of which undefined ones count as not given.
 * @throws ConfigError at once for the manifest's part, at each call for its options.
 */
export function createSettingsReader<S extends object>(
  { tasks }: Manifest,
  { task, checks, defaults }: TaskSettings<S>,
): (options: Partial<S>) => S {
  const given = (settings: object, place: string): object => {
    checkSettings(settings, checks, place, false);
    return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  };
  const stored = given(tasks[task] ?? {}, `tasks.${task} of ${MANIFEST_FILE}`);
  return options => ({ ...defaults, ...stored, ...given(options, `options of ${task}`) });
}

/** The value of a setting in the last level that gives it, null included. */
export function lastGiven<S extends object, K extends keyof S>(levels: readonly S[], key: K): S[K] | undefined {
  return levels.findLast(level => level[key] !== undefined)?.[key];
}
