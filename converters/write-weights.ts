/**
 * Writes the weight files of a layout. Packed ones are streamed weight by weight in pieces of bounded size; whole ones are
 * linked or cloned by the file system while the checksums of what they hold are compared.
 */
import type { ByteSink, ByteWriter } from '../src/core/byte-source.ts';
import { ConfigError, throwIfAborted } from '../src/core/errors.ts';
import type { FileEntry } from '../src/core/manifest.ts';
import type { ProgressListener } from '../src/core/progress.ts';
import type { WeightFile, WeightLayout } from './weight-files.ts';
import { pieceMemory } from './weight-values.ts';

/** How to write. */
export interface WriteOptions {
  /** Folder of the graphs inside the model directory. */
  readonly folder: string;
  /** Whole files become second names of the checkpoint's own instead of copies. */
  readonly link: boolean;
  /** Compare checksums of whole files; packed ones are checked by their pieces. */
  readonly verify: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/** What the manifest says of the files of a layout. They carry no hash: that would take longer than copying them. */
export function weightEntries(layout: WeightLayout, folder: string): FileEntry[] {
  return layout.files.map(({ name, size }) => ({ file: `${folder}/${name}`, size }));
}

/** Waits for all of several works, also when one fails, so that nothing is still being written when its error is out. */
export async function settled<T extends readonly unknown[]>(works: readonly [...{ [I in keyof T]: Promise<T[I]> }]) {
  await Promise.allSettled(works);
  return Promise.all(works);
}

/** Writes every file. @throws FormatError when a weight is damaged; AbortedError; IoError. */
export async function writeWeights(layout: WeightLayout, sink: ByteSink, options: WriteOptions): Promise<void> {
  for (const file of layout.files) {
    const name = `${options.folder}/${file.name}`;
    options.onProgress?.({ status: 'initiate', file: name });
    await (file.kind === 'packed' ? writePacked(file, name, sink, options) : placeWhole(file, name, sink, options));
    options.onProgress?.({ status: 'done', file: name });
  }
}

async function writePacked(file: WeightFile, name: string, sink: ByteSink, options: WriteOptions): Promise<void> {
  const writer = await sink.create(name, file.size);
  const memory = pieceMemory();
  let written = 0;
  for (const { values, offset } of file.weights) {
    await writer.write(new Uint8Array(offset - written));
    await writePieces(values.pieces(memory), writer, bytes => report(file, name, offset + bytes, options));
    written = offset + values.size;
  }
  await writer.close();
}

/** Writes pieces while the next one is read and checked. */
async function writePieces(
  pieces: AsyncGenerator<Uint8Array, void>,
  writer: ByteWriter,
  onWritten: (bytes: number) => void,
): Promise<void> {
  let written = 0;
  for await (const piece of pieces) {
    await writer.write(piece);
    written += piece.length;
    onWritten(written);
  }
}

async function placeWhole(file: WeightFile & { kind: 'whole' }, name: string, sink: ByteSink, options: WriteOptions) {
  const placing = options.link ? linkWhole(file, name, sink) : copyWhole(file, name, sink);
  await settled([placing, options.verify ? verifyWeights(file, name, options) : Promise.resolve()]);
  throwIfAborted(options.signal, 'converting');
}

async function linkWhole({ path }: WeightFile & { kind: 'whole' }, name: string, sink: ByteSink): Promise<void> {
  if (sink.link === undefined) {
    throw new ConfigError({
      what: 'link',
      expected: 'an output folder on the local disk',
      found: 'another kind of output',
    });
  }
  await sink.link(name, path);
}

async function copyWhole({ path }: WeightFile & { kind: 'whole' }, name: string, sink: ByteSink): Promise<void> {
  await sink.copy?.(name, path);
}

/** Reads what the model uses of a file, for the sake of its checksums. */
async function verifyWeights(file: WeightFile, name: string, options: WriteOptions): Promise<void> {
  const memory = pieceMemory();
  let checked = 0;
  for (const { values } of file.weights) {
    for await (const piece of values.pieces(memory)) {
      checked += piece.length;
      report(file, name, checked, options);
    }
  }
}

function report(file: WeightFile, name: string, loaded: number, { signal, onProgress }: WriteOptions): void {
  throwIfAborted(signal, 'converting');
  onProgress?.({ status: 'progress', file: name, loaded, total: file.size });
}
