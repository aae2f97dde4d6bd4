/**
 * The table of checkpoint formats. To add one: a folder that exports a {@link CheckpointFormat}, and a line here.
 */
import type { ByteSource, ByteSourceSet } from '../src/core/byte-source.ts';
import { FormatError, IoError } from '../src/core/errors.ts';
import type { Checkpoint, CheckpointFormat, OpenOptions } from './checkpoint.ts';
import { type ForeignFile, foreignFile, START } from './foreign-files.ts';
import { kerasHdf5 } from './keras-hdf5/index.ts';
import { tfBundle } from './tf-bundle/index.ts';

/**
 * All formats, in the order in which they are asked. `best_model.weights` may be a Keras file and, in the same folder, the
 * prefix of a bundle: the file of that very name comes first, and the bundle is `best_model.weights.index`.
 */
const FORMATS: readonly CheckpointFormat[] = [kerasHdf5, tfBundle];

/**
 * Opens the checkpoint called `name` in `files`, whatever its format: a file, or the beginning of the names of several.
 * The format is judged by content, never by the name's ending. Reads headers only; close it when done.
 *
 * @throws IoError when there is nothing of that name; FormatError when it is of no known format, or damaged.
 * @example
 * const { files, name } = await splitPath('chinese_L-12_H-768_A-12/bert_model.ckpt');
 * const checkpoint = await openCheckpoint(files, name);
 * checkpoint.tensors.get('bert/embeddings/word_embeddings')?.shape; // [21128, 768]
 */
export async function openCheckpoint(
  files: ByteSourceSet,
  name: string,
  options: OpenOptions = {},
): Promise<Checkpoint> {
  for (const format of FORMATS) {
    if (await format.matches(files, name)) return format.open(files, name, options);
  }
  throw await unknownFormat(files, name);
}

async function unknownFormat(files: ByteSourceSet, name: string): Promise<FormatError | IoError> {
  const names = await files.list();
  const like = names.filter(file => file === name || file.startsWith(`${name}.`));
  if (like.length === 0) {
    const others = names.filter(file => file.endsWith('.index') || file.endsWith('.h5') || file.endsWith('.weights'));
    return new IoError({
      file: name,
      what: 'checkpoint',
      expected: 'a file, or the beginning of the names of several',
      found: `nothing of this name${others.length > 0 ? `; beside it: ${others.slice(0, 5).join(', ')}` : ''}`,
      next: 'Check the path; relative ones start at the current folder.',
    });
  }
  const [first = name] = like;
  const known = FORMATS.map(format => format.name).join(', ');
  const foreign = await identify(files, first);
  return new FormatError({ file: first, what: 'format of the checkpoint', expected: known, ...foreign });
}

/** What a file is, by its first bytes. */
async function identify(files: ByteSourceSet, name: string): Promise<ForeignFile> {
  const source: ByteSource = await files.open(name);
  try {
    const bytes = await source.read(0, Math.min(START, source.size));
    const hexadecimal = Array.from(bytes.subarray(0, 8), byte => byte.toString(16).padStart(2, '0')).join(' ');
    const unknown = {
      found: `a file of ${source.size} bytes that begins ${hexadecimal}`,
      next: 'Name the HDF5 file, or the prefix or .index of the TensorFlow bundle.',
    };
    return foreignFile(bytes) ?? unknown;
  } finally {
    await source.close();
  }
}
