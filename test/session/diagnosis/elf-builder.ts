/** Writes the smallest ELF files that have a dynamic section: header, two program headers, entries, strings. */

/** What the library asks for. */
export interface ElfParts {
  readonly needed?: readonly string[];
  readonly runpath?: string;
  readonly rpath?: string;
}

/** Byte offset of the dynamic section in what {@link elfFile} writes. */
export const DYNAMIC_OFFSET = 64 + 2 * 56;

/** Address at which the file is said to be loaded; differs from its offset on purpose. */
const ADDRESS = 0x10000;

/** The bytes of a shared library that needs others. */
export function elfFile({ needed = [], runpath, rpath }: ElfParts): Uint8Array {
  const strings = ['', ...needed, runpath ?? '', rpath ?? ''];
  const offsets: number[] = [];
  const table = Buffer.concat(
    strings.map((text, i) => {
      offsets.push((offsets[i - 1] ?? 0) + (i === 0 ? 0 : Buffer.byteLength(strings[i - 1] ?? '') + 1));
      return Buffer.from(`${text}\0`);
    }),
  );
  const entries: [number, number][] = needed.map((_, i) => [1, offsets[i + 1] ?? 0]);
  if (runpath !== undefined) entries.push([29, offsets[needed.length + 1] ?? 0]);
  if (rpath !== undefined) entries.push([15, offsets[needed.length + 2] ?? 0]);
  const dynamicSize = 16 * (entries.length + 2);
  entries.push([5, ADDRESS + DYNAMIC_OFFSET + dynamicSize], [0, 0]);
  const size = DYNAMIC_OFFSET + dynamicSize + table.length;
  const file = Buffer.alloc(size);
  file.write('\x7fELF\x02\x01', 'latin1');
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  segment(file, 64, [1, 0, size]);
  segment(file, 120, [2, DYNAMIC_OFFSET, dynamicSize]);
  entries.forEach(([tag, value], i) => {
    file.writeBigUInt64LE(BigInt(tag), DYNAMIC_OFFSET + 16 * i);
    file.writeBigUInt64LE(BigInt(value), DYNAMIC_OFFSET + 16 * i + 8);
  });
  table.copy(file, DYNAMIC_OFFSET + dynamicSize);
  return file;
}

function segment(file: Buffer, at: number, [type, offset, size]: readonly [number, number, number]): void {
  file.writeUInt32LE(type, at);
  file.writeBigUInt64LE(BigInt(offset), at + 8);
  file.writeBigUInt64LE(BigInt(ADDRESS + offset), at + 16);
  file.writeBigUInt64LE(BigInt(size), at + 32);
}
