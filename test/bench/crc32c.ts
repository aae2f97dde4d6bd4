/**
 * How fast CRC-32C is, against what else there is, and against copying the same 400 MB with `cp`.
 *
 *     npx tsx test/bench/crc32c.ts
 *
 * `hash-wasm` and `@node-rs/crc32` are compared when they are installed (`npm i --no-save hash-wasm @node-rs/crc32`).
 */
import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32cOf, createCrc32c } from '../../converters/crc32c.ts';
import { messageOf } from '../../src/core/errors.ts';
import { openFile } from '../../src/io/file-source.ts';

const BYTES = 400_000_000;
const CHUNK = 1 << 20;

const TABLES = slicingTables();

await compareImplementations();
await compareWithCopy();

async function compareImplementations(): Promise<void> {
  const bytes = Uint8Array.from({ length: 8 << 20 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  const rivals: Record<string, (bytes: Uint8Array) => number> = {
    'this package': crc32cOf,
    'table of 256': tableOf256,
    'slicing by 16': slicingBy16,
  };
  const hashWasm = await optional('hash-wasm');
  if (hashWasm !== undefined) {
    const hasher = await (hashWasm['createCRC32'] as (polynomial: number) => Promise<Hasher>)(0x82f63b78);
    rivals['hash-wasm'] = input => Number.parseInt(hasher.init().update(input).digest('hex'), 16);
  }
  const native = await optional('@node-rs/crc32');
  if (native !== undefined) rivals['@node-rs/crc32'] = native['crc32c'] as (bytes: Uint8Array) => number;
  const expected = crc32cOf(bytes);
  for (const [name, checksum] of Object.entries(rivals)) {
    if (checksum(bytes) >>> 0 !== expected) throw new Error(`${name} gives another checksum`);
    console.log(`${name.padEnd(16)} ${(bytes.length / 1e9 / best(20, () => checksum(bytes))).toFixed(2)} GB/s`);
  }
}

interface Hasher {
  init(): Hasher;
  update(bytes: Uint8Array): Hasher;
  digest(form: 'hex'): string;
}

async function compareWithCopy(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crc32c-'));
  try {
    const [from, to] = [path.join(folder, 'from'), path.join(folder, 'to')];
    for (let done = 0; done < BYTES; done += 1e6) await appendFile(from, Buffer.alloc(1e6, `${done}`));
    const runs = { cp: [] as number[], checked: [] as number[], copied: [] as number[] };
    for (let run = 0; run < 5; run++) {
      await rm(to, { force: true });
      runs.cp.push(await seconds(async () => void execFileSync('cp', [from, to])));
      runs.checked.push(await seconds(() => stream(from)));
      await rm(to, { force: true });
      runs.copied.push(await seconds(() => stream(from, to)));
    }
    const [cp, checked, copied] = [runs.cp, runs.checked, runs.copied].map(times => Math.min(...times));
    console.log(
      `cp ${BYTES / 1e6} MB ${cp?.toFixed(3)} s; read and check ${ratio(checked, cp)}; read, check and write ${ratio(copied, cp)}`,
    );
    console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Reads a file in pieces, the next one while this one is checked and written. */
async function stream(from: string, to?: string): Promise<void> {
  const source = await openFile(from);
  const target = to === undefined ? undefined : await open(to, 'w');
  const crc = createCrc32c();
  const read = (offset: number) => source.read(offset, Math.min(CHUNK, source.size - offset));
  let next = read(0);
  for (let offset = 0; offset < source.size; offset += CHUNK) {
    const bytes = await next;
    if (offset + CHUNK < source.size) next = read(offset + CHUNK);
    const written = target?.write(bytes, 0, bytes.length);
    crc.update(bytes);
    await written;
  }
  await Promise.all([source.close(), target?.close()]);
}

/** The usual way: 16 bytes at a time, one table each. `bytes` begins at a multiple of four of its buffer. */
function slicingBy16(bytes: Uint8Array): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const t = TABLES;
  let crc = ~0;
  for (let i = 0; i + 3 < words.length; i += 4) {
    const a = (words[i] ?? 0) ^ crc;
    const b = words[i + 1] ?? 0;
    const c = words[i + 2] ?? 0;
    const d = words[i + 3] ?? 0;
    crc = (t[3840 + (a & 255)] ?? 0) ^ (t[3584 + ((a >>> 8) & 255)] ?? 0);
    crc ^= (t[3328 + ((a >>> 16) & 255)] ?? 0) ^ (t[3072 + (a >>> 24)] ?? 0);
    crc ^= (t[2816 + (b & 255)] ?? 0) ^ (t[2560 + ((b >>> 8) & 255)] ?? 0);
    crc ^= (t[2304 + ((b >>> 16) & 255)] ?? 0) ^ (t[2048 + (b >>> 24)] ?? 0);
    crc ^= (t[1792 + (c & 255)] ?? 0) ^ (t[1536 + ((c >>> 8) & 255)] ?? 0);
    crc ^= (t[1280 + ((c >>> 16) & 255)] ?? 0) ^ (t[1024 + (c >>> 24)] ?? 0);
    crc ^= (t[768 + (d & 255)] ?? 0) ^ (t[512 + ((d >>> 8) & 255)] ?? 0);
    crc ^= (t[256 + ((d >>> 16) & 255)] ?? 0) ^ (t[d >>> 24] ?? 0);
  }
  for (let i = bytes.length & ~15; i < bytes.length; i++) crc = (t[(crc ^ (bytes[i] ?? 0)) & 255] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function tableOf256(bytes: Uint8Array): number {
  let crc = ~0;
  for (let i = 0; i < bytes.length; i++) crc = (TABLES[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Sixteen tables behind each other: what a byte followed by 0 to 15 zeros adds. */
function slicingTables(): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let i = 0; i < tables.length; i++) {
    let crc = i < 256 ? i : (tables[i - 256] ?? 0);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    tables[i] = crc;
  }
  return tables;
}

async function optional(name: string): Promise<Record<string, unknown> | undefined> {
  try {
    return (await import(name)) as Record<string, unknown>;
  } catch (error) {
    console.log(`${name.padEnd(16)} not installed (${messageOf(error).split('\n')[0]})`);
    return undefined;
  }
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Seconds of the fastest of several runs. */
function best(runs: number, work: () => void): number {
  return Math.min(
    ...Array.from({ length: runs }, () => {
      const start = performance.now();
      work();
      return (performance.now() - start) / 1000;
    }),
  );
}

function ratio(time = 0, to = 1): string {
  return `${time.toFixed(3)} s = ${(time / to).toFixed(2)} x cp`;
}
