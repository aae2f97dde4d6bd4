/**
 * TensorFlow's checkpoint format since 1.0 ("V2", tensor bundle): `<prefix>.index` says where in the shards
 * `<prefix>.data-00000-of-0000N` each tensor lies. Opening reads the index only; docs/formats/tf-bundle.md has the bytes.
 */
import type { ByteSource, ByteSourceSet } from '../../src/core/byte-source.ts';
import { FormatError, IoError } from '../../src/core/errors.ts';
import type { Checkpoint, CheckpointFormat, CheckpointTensor, OpenOptions } from '../checkpoint.ts';
import { bookkeepingReason } from './bookkeeping.ts';
import { type BundleIndex, readIndex } from './bundle.ts';
import { OBJECT_GRAPH, readVariableNames } from './object-graph.ts';
import { isTable } from './table.ts';
import { type BundleTensors, bundleTensors } from './tensors.ts';

/** The format. A name is a prefix, or that of any file of the bundle. */
export const tfBundle: CheckpointFormat = { name: 'tf-bundle', matches, open };

/** Endings of the files of a bundle; `.meta` holds the training graph, which nothing here reads. */
const ENDING = /\.(index|meta|data-\d{5}-of-\d{5})$/;

/** A bundle with all its tensors, those that no model reads included. */
export interface OpenBundle {
  readonly index: BundleIndex;
  /** The index, then the shards. */
  readonly files: readonly ByteSource[];
  readonly all: BundleTensors;
}

/**
 * Opens a bundle for all its tensors, bookkeeping included; {@link tfBundle} sets that aside. Files are the caller's to close.
 * @throws FormatError when the index is damaged or does not fit the shards; IoError when a shard is missing.
 */
export async function openBundle(files: ByteSourceSet, name: string, options: OpenOptions): Promise<OpenBundle> {
  const indexName = await findIndex(files, name);
  if (indexName === undefined) {
    throw new FormatError({
      file: name,
      what: 'checkpoint',
      expected: 'a TensorFlow index',
      found: 'none of this name',
    });
  }
  const opened: ByteSource[] = [];
  const openOne = async (file: string): Promise<ByteSource> => {
    const source = await files.open(file);
    opened.push(source);
    return source;
  };
  try {
    const index = await readIndex(await openOne(indexName));
    const shardNames = await nameShards(files, indexName, index);
    const sources = new Map<number, ByteSource>();
    for (const [shard, file] of shardNames) sources.set(shard, await openOne(file));
    const all = bundleTensors(index, { indexFile: index.file, sources }, options.verifyData ?? true);
    return { index, files: opened, all };
  } catch (error) {
    await Promise.all(opened.map(source => source.close()));
    throw error;
  }
}

async function matches(files: ByteSourceSet, name: string): Promise<boolean> {
  return (await findIndex(files, name)) !== undefined;
}

async function open(files: ByteSourceSet, name: string, options: OpenOptions): Promise<Checkpoint> {
  const bundle = await openBundle(files, name, options);
  const close = async (): Promise<void> => {
    await Promise.all(bundle.files.map(source => source.close()));
  };
  const variableNames = await variableNamesOf(bundle).catch(async error => {
    await close();
    throw error;
  });
  const { shards, producer, minConsumer } = bundle.index.header;
  const { all } = bundle;
  const skipped = new Map(all.unreadable);
  const tensors = new Map<string, CheckpointTensor>();
  for (const [tensorName, tensor] of all.tensors) {
    const reason = bookkeepingReason(tensorName, other => all.tensors.has(other));
    if (reason === undefined) tensors.set(tensorName, tensor);
    else skipped.set(tensorName, reason);
  }
  return {
    format: tfBundle.name,
    name,
    files: bundle.files,
    tensors,
    ...(variableNames === undefined ? {} : { variableNames }),
    skipped,
    about: { shards, producer, minConsumer, objectGraph: variableNames !== undefined },
    close,
  };
}

/** What tf.keras calls the variables; undefined for a bundle that it did not write. */
async function variableNamesOf({ all, files }: OpenBundle): Promise<ReadonlyMap<string, string> | undefined> {
  const graph = all.tensors.get(OBJECT_GRAPH);
  if (graph === undefined) return undefined;
  return readVariableNames(await graph.read(), { file: files[0]?.name ?? '', what: `message in "${OBJECT_GRAPH}"` });
}

/** The index that `name` stands for, judged by what is in it; undefined when there is none. */
async function findIndex(files: ByteSourceSet, name: string): Promise<string | undefined> {
  const names = new Set(await files.list());
  const candidates = [name, `${name}.index`, `${name.replace(ENDING, '')}.index`].filter(file => names.has(file));
  for (const candidate of new Set(candidates)) {
    const source = await files.open(candidate);
    try {
      if (await isTable(source)) return candidate;
    } finally {
      await source.close();
    }
  }
  return undefined;
}

/** File names of the shards that hold anything. @throws IoError that lists all those that are missing. */
async function nameShards(files: ByteSourceSet, indexName: string, index: BundleIndex): Promise<Map<number, string>> {
  const prefix = indexName.replace(/\.index$/, '');
  const names = new Set(await files.list());
  const shards = new Map<number, string>();
  for (const entry of index.entries.values()) {
    if (entry.slices.length === 0) shards.set(entry.shard, shardName(prefix, entry.shard, index.header.shards));
  }
  const missing = [...shards.values()].filter(file => !names.has(file)).sort();
  if (missing.length > 0) {
    throw new IoError({
      file: index.file,
      what: 'files of the checkpoint',
      expected: `${missing.slice(0, 10).join(', ')}${missing.length > 10 ? `, … (${missing.length})` : ''} beside it`,
      found: 'no such file',
      next: 'All .data files of a checkpoint have to lie in the folder of its .index, under their own names.',
    });
  }
  return shards;
}

function shardName(prefix: string, shard: number, shards: number): string {
  return `${prefix}.data-${`${shard}`.padStart(5, '0')}-of-${`${shards}`.padStart(5, '0')}`;
}
