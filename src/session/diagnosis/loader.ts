/**
 * Finds shared libraries the way the dynamic loader of Linux does (ld.so(8)), without loading any: what a library asks
 * for, where it would be found, and what is not there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { FormatError } from '../../core/errors.ts';
import { readElfDependencies } from './elf.ts';

/** Where the loader looks, beside what a library itself says. */
export interface LoaderPaths {
  /** LD_LIBRARY_PATH at the start of the process; later changes of the variable have no effect. */
  readonly libraryPath: readonly string[];
  /** Name → path in /etc/ld.so.cache. */
  readonly cache: ReadonlyMap<string, string>;
  /** The folders that are always looked in. */
  readonly folders: readonly string[];
}

/** A library that can't be loaded as things are. */
export interface MissingLibrary {
  readonly name: string;
  /** Path of the library that asks for it. */
  readonly neededBy: string;
  /** `not found`, or what is wrong with the file that was. */
  readonly why: string;
}

/** What a library and all that it needs come to. */
export interface LibraryTrace {
  /** Name → path. */
  readonly found: ReadonlyMap<string, string>;
  readonly missing: readonly MissingLibrary[];
}

/** Where the loader of this process looks. */
export function systemLoaderPaths(): LoaderPaths {
  return { libraryPath: initialLibraryPath(), cache: loaderCache(), folders: defaultFolders() };
}

/** The path under which `name` would be loaded, or undefined. `searchPaths` are those of the library that asks for it. */
export function locateLibrary(name: string, searchPaths: readonly string[], loader: LoaderPaths): string | undefined {
  if (name.includes('/')) return existsSync(name) ? name : undefined;
  const inFolder = (folders: readonly string[]) => folders.map(folder => path.join(folder, name)).find(existsSync);
  const cached = loader.cache.get(name);
  return (
    inFolder([...searchPaths, ...loader.libraryPath]) ??
    (cached !== undefined && existsSync(cached) ? cached : inFolder(loader.folders))
  );
}

/** Follows everything that the library at `file` needs. Damaged libraries are reported as missing, with the reason. */
export function traceLibraries(file: string, loader: LoaderPaths): LibraryTrace {
  const found = new Map<string, string>([[path.basename(file), file]]);
  const missing: MissingLibrary[] = [];
  // A map may grow while it is walked: each library that is found is followed in its turn.
  for (const [name, place] of found) {
    const dependencies = dependenciesOf(place);
    if (dependencies instanceof FormatError) {
      missing.push({ name, neededBy: place, why: dependencies.message });
      continue;
    }
    for (const needed of dependencies.needed) {
      if (found.has(needed) || missing.some(one => one.name === needed)) continue;
      const at = locateLibrary(needed, dependencies.searchPaths, loader);
      if (at === undefined) missing.push({ name: needed, neededBy: place, why: 'not found' });
      else found.set(needed, at);
    }
  }
  return { found, missing };
}

function dependenciesOf(file: string) {
  try {
    return readElfDependencies(file);
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

function initialLibraryPath(): string[] {
  const environment = '/proc/self/environ';
  const entries = existsSync(environment) ? readFileSync(environment, 'utf8').split('\0') : [];
  const entry = entries.find(one => one.startsWith('LD_LIBRARY_PATH=')) ?? '';
  return entry.slice('LD_LIBRARY_PATH='.length).split(/[:;]/).filter(Boolean);
}

/** `ldconfig -p`; empty where there is no ldconfig (musl has no such cache). */
function loaderCache(): Map<string, string> {
  const ldconfig = ['/sbin/ldconfig', '/usr/sbin/ldconfig'].find(existsSync);
  if (ldconfig === undefined) return new Map();
  const architecture = process.arch === 'arm64' ? 'AArch64' : 'x86-64';
  const lines = execFileSync(ldconfig, ['-p'], { encoding: 'utf8' }).split('\n');
  const entries = lines.flatMap(line => {
    const [, name, flags, place] = /^\s+(\S+) \(([^)]*)\) => (.+)$/.exec(line) ?? [];
    const fits = name !== undefined && place !== undefined && flags?.includes(architecture);
    return fits ? [[name, place] as const] : [];
  });
  // The first of several entries for a name is the one that is taken.
  return new Map(entries.reverse());
}

function defaultFolders(): string[] {
  const multiarch = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return [`/lib/${multiarch}`, `/usr/lib/${multiarch}`, '/lib64', '/usr/lib64', '/lib', '/usr/lib'];
}
