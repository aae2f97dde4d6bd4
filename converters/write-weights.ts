/**
 * Writes the weight files of a layout. Packed ones are streamed weight by weight in pieces of bounded size; whole ones are
 * linked or cloned by the file system while the checksums of what they hold are compared.
 */
import type { ByteSink, ByteWriter, WriteRequest } from '../src/core/byte-source.ts';
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
  /** Have the sink compute each file's SHA-256. */
  readonly sha256: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/** Waits for all of several works, also when one fails, so that nothing is still being written when its error is out. */
export async function settled<T extends readonly unknown[]>(works: readonly [...{ [I in keyof T]: Promise<T[I]> }]) {
  await Promise.allSettled(works);
  return Promise.all(works);
}

/**
 * Writes every file; returns what the manifest says of them.
 * @throws FormatError when a weight is damaged; AbortedError; IoError.
 */
export async function writeWeights(layout: WeightLayout, sink: ByteSink, options: WriteOptions): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for (const file of layout.files) {
    const name = `${options.folder}/${file.name}`;
    options.onProgress?.({ status: 'initiate', file: name });
    const write =
      file.kind === 'packed' ? writePacked(file, name, sink, options) : placeWhole(file, name, sink, options);
    const sha256 = await write;
    entries.push({ file: name, size: file.size, ...(sha256 === undefined ? {} : { sha256 }) });
    options.onProgress?.({ status: 'done', file: name });
  }
  return entries;
}

async function writePacked(
  file: WeightFile,
  name: string,
  sink: ByteSink,
  options: WriteOptions,
): Promise<string | undefined> {
  const writer = await sink.create(name, file.size, { sha256: options.sha256 });
  const memory = pieceMemory();
  let written = 0;
  for (const { values, offset } of file.weights) {
    await writer.write(new Uint8Array(offset - written));
    await writePieces(values.pieces(memory), writer, bytes => report(file, name, offset + bytes, options));
    written = offset + values.size;
  }
  return writer.close();
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

type WholeFile = WeightFile & { readonly kind: 'whole' };

async function placeWhole(
  file: WholeFile,
  name: string,
  sink: ByteSink,
  options: WriteOptions,
): Promise<string | undefined> {
  const { sha256 } = options;
  const placing = options.link ? linkTo(sink, name, file.path, { sha256 }) : sink.copy?.(name, file.path, { sha256 });
  const [digest] = await settled([
    Promise.resolve(placing),
    options.verify ? verifyWeights(file, name, options) : Promise.resolve(),
  ]);
  throwIfAborted(options.signal, 'converting');
  return digest;
}

async function linkTo(sink: ByteSink, name: string, path: string, request: WriteRequest): Promise<string | undefined> {
  if (sink.link !== undefined) return sink.link(name, path, request);
  throw new ConfigError({
    what: 'link',
    expected: 'an output folder on the local disk',
    found: 'another kind of output',
  });
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
