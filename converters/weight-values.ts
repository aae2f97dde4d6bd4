/**
 * The values of a weight as a graph takes them: float32, little-endian, row-major, in pieces of bounded size. Most are a
 * byte range of the checkpoint as it is; the others are cast, transposed, picked from the vocabulary, or computed.
 */
import { bytesPerElement, elementCount } from '../src/core/dtype.ts';
import { FormatError } from '../src/core/errors.ts';
import type { ByteRange, CheckpointTensor } from './checkpoint.ts';
import { createCrc32c, maskCrc32c } from './crc32c.ts';
import { bytesOf, toFloat32, transpose } from './float32.ts';
import { initialValues } from './initial-values.ts';
import type { WeightMatch } from './reconcile.ts';
import { changedSize, changeVocabulary, type VocabularyChange } from './vocabulary-change.ts';

/** Bytes read from a checkpoint at a time. */
const PIECE = 1 << 20;

/** A weight that is ready to be written. */
export interface WeightValues {
  /** `<layer>/<slot>`. */
  readonly weight: string;
  readonly shape: readonly number[];
  /** Size of all pieces together, in bytes. */
  readonly size: number;
  /** The checkpoint's own bytes, when the graph can take them as they are. */
  readonly inPlace?: ByteRange;
  /**
   * The bytes from front to back. A piece may lie in `memory`, and lasts until the next one is asked for.
   * @throws FormatError when a recorded checksum says that they are damaged.
   */
  pieces(memory: PieceMemory): AsyncGenerator<Uint8Array, void>;
}

/** Memory that pieces of weights are read into, one after the other: one being used, one being filled. */
export type PieceMemory = readonly [Uint8Array, Uint8Array];

/** Memory for reading weights, a few megabytes. New memory for each piece would keep the garbage collector busy. */
export function pieceMemory(): PieceMemory {
  return [new Uint8Array(PIECE), new Uint8Array(PIECE)];
}

/** How values are prepared. */
export interface ValueOptions {
  /** Applied to weights with a vocabulary axis. */
  readonly vocabulary?: VocabularyChange | undefined;
  /** Check the checksums that the checkpoint records. */
  readonly verify: boolean;
}

/** Prepares the values of a match; nothing is read yet. */
export function weightValues(match: WeightMatch, options: ValueOptions): WeightValues {
  const axis = match.slot.vocabularyAxis;
  const change = match.source.kind === 'stored' && axis !== undefined ? options.vocabulary : undefined;
  const shape = match.shape.map((size, at) => (change !== undefined && at === axis ? changedSize(change, size) : size));
  const whole = { weight: match.weight, shape, size: elementCount(shape) * bytesPerElement('float32') };
  const { source } = match;
  if (source.kind === 'stored' && source.tensor.dtype === 'float32' && !source.transposed && change === undefined) {
    const { range } = source.tensor;
    if (range !== undefined) {
      return {
        ...whole,
        inPlace: range,
        pieces: memory => storedPieces(source.tensor, range, { memory, verify: options.verify }),
      };
    }
  }
  return {
    ...whole,
    async *pieces() {
      const values = await readValues(match);
      if (change === undefined || axis === undefined) yield bytesOf(values);
      else yield bytesOf(changeVocabulary({ values, shape: match.shape }, axis, change).values);
    },
  };
}

/** The values before any change of vocabulary. */
async function readValues({ weight, slot, shape, source }: WeightMatch): Promise<Float32Array> {
  switch (source.kind) {
    case 'computed':
      return source.compute(slot.slot);
    case 'initial':
      return initialValues(weight, elementCount(shape));
    case 'stored': {
      const values = toFloat32(await source.tensor.read(), source.tensor.dtype);
      const [columns = 1, rows = 1] = shape;
      return source.transposed ? transpose(values, rows, columns) : values;
    }
  }
}

/** A byte range piece by piece; the next piece is on its way while this one is checked and used. */
async function* storedPieces(
  tensor: CheckpointTensor,
  { source, offset, length }: ByteRange,
  { memory, verify }: { readonly memory: PieceMemory; readonly verify: boolean },
): AsyncGenerator<Uint8Array, void> {
  const checksum = verify && tensor.crc32c !== undefined ? createCrc32c() : undefined;
  const readAt = (start: number, into: Uint8Array) =>
    source.read(offset + start, Math.min(PIECE, length - start), into);
  let [used, filled] = memory;
  let ahead = readAt(0, filled);
  try {
    for (let start = 0; start < length; start += PIECE) {
      const bytes = await ahead;
      [used, filled] = [filled, used];
      if (start + PIECE < length) ahead = readAt(start + PIECE, filled);
      checksum?.update(bytes);
      yield bytes;
    }
  } finally {
    // Whoever stops half-way may close the source next.
    await Promise.allSettled([ahead]);
  }
  const found = checksum === undefined ? tensor.crc32c : maskCrc32c(checksum.digest());
  if (found === tensor.crc32c) return;
  throw new FormatError({
    what: `checksum of "${tensor.name}"`,
    file: source.name,
    place: `bytes ${offset} to ${offset + length}`,
    expected: `${tensor.crc32c}`,
    found: `${found}`,
    next: 'The file is damaged: fetch it again',
  });
}
