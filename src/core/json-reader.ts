/**
 * Strict reading of parsed JSON: every value is asked for by type, every key of an object must be asked for, and what is
 * wrong is reported with its JSON path (`$.graphs.model.file`).
 */
import { FormatError } from './errors.ts';
import type { Json } from './manifest.ts';

/** A value inside a JSON document, with the document's name and the value's path for errors. */
export interface JsonPlace {
  readonly file: string;
  /** JSON path from the root, `$`. */
  readonly path: string;
  readonly value: unknown;
}

/** Reads one value of a known type. Throws a FormatError that names the path. */
export type Reader<T> = (place: JsonPlace) => T;

/** A property that may be absent; absent stays absent. */
export interface Optional<T> {
  readonly optional: Reader<T>;
}

type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? Optional<Exclude<T[K], undefined>> : Reader<T[K]>;
};

/** Parses JSON text. @throws FormatError when it is not JSON. */
export function parseJson(text: string, file: string): JsonPlace {
  try {
    return { file, path: '$', value: JSON.parse(text) as unknown };
  } catch (cause) {
    throw new FormatError({ what: 'JSON syntax', file, found: (cause as SyntaxError).message }, { cause });
  }
}

/** An object with exactly these fields: an unknown one is refused, a missing one too unless it is optional. */
export function object<T extends object>(fields: Fields<T>): Reader<T> {
  return place => {
    const found = asObject(place);
    const known = Object.keys(fields);
    for (const key of Object.keys(found)) {
      if (!known.includes(key)) throw wrong(child(place, key), `one of ${known.join(', ')}`, 'an unknown field');
    }
    const entries: [string, unknown][] = [];
    for (const [key, field] of Object.entries<Reader<unknown> | Optional<unknown>>(fields)) {
      const at = child(place, key);
      const required = typeof field === 'function';
      if (Object.hasOwn(found, key)) entries.push([key, required ? field(at) : field.optional(at)]);
      else if (required) throw wrong(at, 'a value', 'no such field');
    }
    return Object.fromEntries(entries) as T;
  };
}

/** Marks a field of {@link object} as one that may be absent. */
export function optional<T>(reader: Reader<T>): Optional<T> {
  return { optional: reader };
}

/** An object used as a map: free keys, all values of one type. */
export function record<T>(reader: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return place => {
    const entries = Object.keys(asObject(place)).map(key => [key, reader(child(place, key))] as const);
    return Object.fromEntries(entries);
  };
}

/** An array of values of one type. */
export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return place => {
    if (!Array.isArray(place.value)) throw wrong(place, 'an array');
    return place.value.map((value: unknown, i) => reader({ ...place, path: `${place.path}[${i}]`, value }));
  };
}

/** A string. */
export const string: Reader<string> = place => {
  if (typeof place.value !== 'string') throw wrong(place, 'a string');
  return place.value;
};

/** `true` or `false`. */
export const boolean: Reader<boolean> = place => {
  if (typeof place.value !== 'boolean') throw wrong(place, 'true or false');
  return place.value;
};

/** A whole number, not negative, that a double holds exactly. */
export const count: Reader<number> = place => {
  if (!Number.isSafeInteger(place.value) || Number(place.value) < 0) throw wrong(place, 'a whole number, not negative');
  return Number(place.value);
};

/** Any JSON value. */
export const json: Reader<Json> = place => place.value as Json;

/** `null`, or what `reader` reads. */
export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return place => (place.value === null ? null : reader(place));
}

/** The first of two readings whose test holds. */
export function either<A, B>(test: (value: unknown) => boolean, first: Reader<A>, second: Reader<B>): Reader<A | B> {
  return place => (test(place.value) ? first(place) : second(place));
}

/** One of these values. */
export function oneOf<const T extends string | number>(...values: readonly T[]): Reader<T> {
  return place => {
    const found = values.find(value => value === place.value);
    if (found === undefined) throw wrong(place, values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`);
    return found;
  };
}

/** An object whose field `key` says which of several readers applies. */
export function variant<T>(key: string, readers: Readonly<Record<string, Reader<T>>>): Reader<T> {
  return place => {
    const at = child(place, key);
    const reader = typeof at.value === 'string' && Object.hasOwn(readers, at.value) ? readers[at.value] : undefined;
    if (reader === undefined) throw wrong(at, `one of ${Object.keys(readers).join(', ')}`);
    return reader(place);
  };
}

/** The error for a value that is not what was expected; `found` defaults to the value itself, shortened. */
export function wrong({ file, path, value }: JsonPlace, expected: string, found?: string): FormatError {
  const shownValue = value === undefined ? 'no such field' : shown(value);
  return new FormatError({ what: 'value', file, place: path, expected, found: found ?? shownValue });
}

/** The place of a property; `undefined` as its value when there is none. */
export function child(place: JsonPlace, key: string): JsonPlace {
  const found = asObject(place);
  const value = Object.hasOwn(found, key) ? found[key] : undefined;
  const step = /^[A-Za-z_][\w-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  return { ...place, path: place.path + step, value };
}

function asObject(place: JsonPlace): Readonly<Record<string, unknown>> {
  const { value } = place;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(place, 'an object');
  return value as Readonly<Record<string, unknown>>;
}

/** A value as errors show it: as JSON where it can be, at most 80 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
