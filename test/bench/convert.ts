/**
 * How long converting a checkpoint of BERT-base's size takes, against copying it with `cp`, and how much memory.
 *
 *     npx tsx test/bench/convert.ts
 *
 * Modes: checked, with every checksum compared; hashed, with the SHA-256 of the weights recorded too; unchecked, without
 * either; packed, for outputs that can't clone files; pruned, with keep_tokens; linked, with the checkpoint's data file in
 * place; instant, linked and unchecked. Takes 1.3 GB of the temporary folder while it runs.
 * Everything is compiled first, as a user has it. Each conversion runs in a process of its own: times are those of
 * `convert()`, memory is the process's peak.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { convert } from '../../converters/convert.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';

const RUNS = 5;

const ROOT = path.resolve(import.meta.dirname, '../..');

const KEYWORDS = { model: 'bert', with_mlm: true, with_pool: true, with_nsp: true };

/** As many tokens as simplifying the vocabulary of Google's Chinese BERT leaves. */
const KEPT = Array.from({ length: 13584 }, (_, i) => i);

interface Measured {
  readonly seconds: number;
  readonly peakMegabytes: number;
}

const [folder, out, mode] = process.argv.slice(2);
if (folder === undefined || out === undefined) await compare();
else await convertOnce(folder, out, mode ?? '');

async function compare(): Promise<void> {
  const place = await mkdtemp(path.join(tmpdir(), 'bert4ort-bench-'));
  try {
    const script = await compile(path.join(place, 'compiled'));
    const size = await writeBaseCheckpoint(place);
    const from = path.join(place, 'bert_model.ckpt.data-00000-of-00001');
    const copies: number[] = [];
    const results: Record<string, Measured[]> = {
      checked: [],
      hashed: [],
      unchecked: [],
      packed: [],
      pruned: [],
      linked: [],
      instant: [],
    };
    let written = 0;
    for (let run = 0; run < RUNS; run++) {
      copies.push(await timeCopy(from, path.join(place, 'copy')));
      for (const [mode, measured] of Object.entries(results)) {
        const out = path.join(place, `out-${mode}`);
        measured.push(measureChild(script, place, out, mode));
        if (mode === 'instant') written = await bytesOfOwn(out, from);
        await rm(out, { recursive: true });
      }
    }
    const copy = median(copies);
    console.log(`checkpoint ${(size / 1e6).toFixed(0)} MB; cp ${copy.toFixed(2)} s`);
    for (const [mode, measured] of Object.entries(results)) {
      const seconds = median(measured.map(one => one.seconds));
      const peak = Math.max(...measured.map(one => one.peakMegabytes));
      console.log(
        `${mode.padEnd(10)} ${seconds.toFixed(2)} s = ${(seconds / copy).toFixed(2)} x cp, peak ${peak.toFixed(0)} MB`,
      );
    }
    console.log(`linked: ${(written / 1e6).toFixed(2)} MB written`);
  } finally {
    await rm(place, { recursive: true });
  }
}

async function convertOnce(folder: string, out: string, mode: string): Promise<void> {
  const sink = await directorySink(out);
  const { copy: _, ...packing } = sink;
  const start = performance.now();
  await convert(
    {
      checkpoint: await splitPath(path.join(folder, 'bert_model.ckpt')),
      config: await readFile(path.join(folder, 'bert_config.json')),
      keywords: { ...KEYWORDS, ...(mode === 'pruned' ? { keep_tokens: KEPT } : {}) },
      verify: mode !== 'unchecked' && mode !== 'instant',
      sha256: mode === 'hashed',
      link: mode === 'linked' || mode === 'instant',
    },
    mode === 'packed' ? packing : sink,
  );
  const seconds = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ seconds, peakMegabytes: process.resourceUsage().maxRSS / 1000 }));
}

/** Compiles the repository into `folder`; returns this file's path there. */
async function compile(folder: string): Promise<string> {
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const settings = ['--noCheck', '--noEmit', 'false', '--outDir', folder];
  execFileSync(process.execPath, [tsc, '--project', path.join(ROOT, 'tsconfig.json'), ...settings]);
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  return path.join(folder, 'test/bench/convert.js');
}

function measureChild(script: string, ...args: readonly string[]): Measured {
  return JSON.parse(execFileSync(process.execPath, [script, ...args]).toString()) as Measured;
}

async function timeCopy(from: string, to: string): Promise<number> {
  const start = performance.now();
  execFileSync('cp', [from, to]);
  const seconds = (performance.now() - start) / 1000;
  await rm(to);
  return seconds;
}

/** Bytes in a folder, without those of files that are second names of `linked`. */
async function bytesOfOwn(directory: string, linked: string): Promise<number> {
  const { ino } = await stat(linked);
  const files = (await readdir(directory, { recursive: true })).map(name => path.join(directory, name));
  const facts = await Promise.all(files.map(file => stat(file)));
  return facts.filter(fact => fact.isFile() && fact.ino !== ino).reduce((sum, { size }) => sum + size, 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
