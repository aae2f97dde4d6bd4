/**
 * Model directories of base size with meaningless weights, in a folder that is removed at the end.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { convert, type JsonObject } from '../../converters/index.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';

/** Runs `work` in a fresh folder that it alone uses. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Converts `<folder>/bert_model.ckpt`; gives the model directory `<folder>/<name>`. */
export async function convertIn(folder: string, name: string, keywords: JsonObject): Promise<string> {
  const directory = path.join(folder, name);
  const options = {
    checkpoint: await splitPath(path.join(folder, 'bert_model.ckpt')),
    config: new Uint8Array(await readFile(path.join(folder, 'bert_config.json'))),
    keywords,
  };
  await convert(options, await directorySink(directory));
  return directory;
}

/** The middle value; the upper one of two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
