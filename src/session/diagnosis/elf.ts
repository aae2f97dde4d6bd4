/**
 * What a shared library says about the libraries it needs: the dynamic section of a 64-bit little-endian ELF file
 * (System V ABI, chapter 5), read without trusting a single offset. Only the headers and the names are read, so a library
 * of hundreds of megabytes takes no longer than a small one.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { Cursor } from '../../core/cursor.ts';
import { FormatError, IoError, messageOf } from '../../core/errors.ts';
import { readU64 } from '../../core/int64.ts';

/** The part of a dynamic section that the loader looks for libraries with. */
export interface ElfDependencies {
  /** Names of the libraries that must be loaded first (DT_NEEDED), in order. */
  readonly needed: readonly string[];
  /** Folders to look in before all others (DT_RUNPATH, or the older DT_RPATH), `$ORIGIN` put in. */
  readonly searchPaths: readonly string[];
}

const SEGMENT = { load: 1, dynamic: 2 } as const;
const TAG = { end: 0, needed: 1, stringTable: 5, rpath: 15, runpath: 29 } as const;

/** Longest dynamic section and longest name; real ones have a few hundred bytes. */
const MAX_DYNAMIC = 1 << 20;
const MAX_NAME = 4096;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

type Read = (offset: number, length: number, what: string) => Cursor;

/**
 * Reads the dependencies of the library `file`.
 * @throws IoError when it can't be read; FormatError when it is no 64-bit little-endian ELF file, or a damaged one.
 */
export function readElfDependencies(file: string): ElfDependencies {
  const handle = attemptOpen(file);
  try {
    const { size } = fstatSync(handle);
    return parse(file, (offset, length, what) => {
      if (offset + length > size) {
        const expected = `${length} bytes at ${offset}`;
        throw new FormatError({ file, what, expected, found: `a file of ${size} bytes` });
      }
      const bytes = new Uint8Array(length);
      readSync(handle, bytes, 0, length, offset);
      return new Cursor(bytes, { file, what });
    });
  } finally {
    closeSync(handle);
  }
}

function attemptOpen(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    throw new IoError({ file, what: 'shared library', found: messageOf(cause) }, { cause });
  }
}

function parse(file: string, read: Read): ElfDependencies {
  const segments = readSegments(read);
  const dynamic = segments.find(segment => segment.type === SEGMENT.dynamic);
  if (dynamic === undefined) return { needed: [], searchPaths: [] };
  const entries = readEntries(dynamic, read);
  const strings = entries.find(({ tag }) => tag === TAG.stringTable);
  if (strings === undefined) return { needed: [], searchPaths: [] };
  const table = fileOffset(file, strings.value, segments);
  const names = (wanted: number) =>
    entries.filter(({ tag }) => tag === wanted).map(({ value }) => readName(table + value, read));
  // Where both are there the older one is ignored, as the loader does.
  const [paths = names(TAG.rpath)[0] ?? ''] = names(TAG.runpath);
  const origin = path.dirname(path.resolve(file));
  const searchPaths = paths.split(':').filter(folder => folder !== '');
  return {
    needed: names(TAG.needed),
    searchPaths: searchPaths.map(folder => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/g, () => origin)),
  };
}

function readSegments(read: Read): Segment[] {
  const header = read(0, 64, 'ELF header');
  const [magic, kind] = [header.u32(), header.u16()];
  if (magic !== 0x464c457f || kind !== 0x0102) {
    const found = magic === 0x464c457f ? 'an ELF file of another class or byte order' : 'other bytes at its start';
    throw header.error({ expected: 'a 64-bit little-endian ELF file', found });
  }
  header.seek(32);
  const offset = readU64(header);
  header.seek(54);
  const [entrySize, count] = [header.u16(), header.u16()];
  if (count > 0 && entrySize < 56)
    throw header.error({ expected: 'program headers of 56 bytes', found: `${entrySize}` });
  const table = read(offset, entrySize * count, 'ELF program headers');
  return Array.from({ length: count }, (_, i) => readSegment(table, i * entrySize));
}

function readSegment(table: Cursor, at: number): Segment {
  table.seek(at);
  const type = table.u32();
  table.seek(at + 8);
  const [offset, address] = [readU64(table), readU64(table)];
  table.seek(at + 32);
  return { type, offset, address, size: readU64(table) };
}

function readEntries({ offset, size }: Segment, read: Read): { readonly tag: number; readonly value: number }[] {
  const section = read(offset, Math.min(size, MAX_DYNAMIC), 'ELF dynamic section');
  const known: readonly number[] = Object.values(TAG);
  const entries: { tag: number; value: number }[] = [];
  while (section.remaining >= 16) {
    const start = section.position;
    const [tag, high] = [section.u32(), section.u32()];
    if (tag === TAG.end && high === 0) break;
    // Other tags hold flags and hashes that need not be numbers JavaScript can hold.
    if (high === 0 && known.includes(tag)) entries.push({ tag, value: readU64(section) });
    section.seek(start + 16);
  }
  return entries;
}

function fileOffset(file: string, address: number, segments: readonly Segment[]): number {
  const segment = segments.find(
    ({ type, address: start, size }) => type === SEGMENT.load && address >= start && address < start + size,
  );
  if (segment !== undefined) return address - segment.address + segment.offset;
  throw new FormatError({
    file,
    what: 'ELF string table',
    expected: 'an address inside a loaded segment',
    found: `${address}`,
  });
}

/** The bytes up to NUL. A name that lies at the end of the file is shorter than a block, so it is read byte by byte. */
function readName(offset: number, read: Read): string {
  const bytes: number[] = [];
  while (bytes.length < MAX_NAME) {
    const byte = read(offset + bytes.length, 1, 'ELF string table').u8();
    if (byte === 0) return new TextDecoder().decode(Uint8Array.from(bytes));
    bytes.push(byte);
  }
  throw read(offset, 1, 'ELF string table').error({ expected: `a name of at most ${MAX_NAME} bytes`, found: 'more' });
}
