/**
 * What every checkpoint format gives: names, types and shapes at once, bytes on demand. Opening reads headers only.
 */
import type { ByteSource, ByteSourceSet } from '../src/core/byte-source.ts';
import type { DType } from '../src/core/dtype.ts';
import type { Json } from '../src/core/manifest.ts';

/** A byte range that holds a tensor's elements contiguously, little-endian, row-major. */
export interface ByteRange {
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;
}

/** A tensor in a checkpoint. */
export interface CheckpointTensor {
  /** Name as the file has it; for Keras HDF5 `<layer>/<weight name>`. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Present when the bytes lie in one piece and can be copied or linked as they are. */
  readonly range?: ByteRange;
  /** Masked CRC32C of the bytes in `range`, where the format records one. */
  readonly crc32c?: number;
  /**
   * Reads the elements, little-endian, row-major, in the stored dtype, slices put together and checksums checked.
   * @throws FormatError when the bytes are damaged.
   */
  read(): Promise<Uint8Array>;
}

/** A layer of a Keras file: its weights in Keras' order. */
export interface CheckpointLayer {
  readonly name: string;
  /** Names into {@link Checkpoint.tensors}. */
  readonly tensors: readonly string[];
}

/** An open checkpoint. */
export interface Checkpoint {
  /** Name of the format: `tf-bundle`, `keras-hdf5`. */
  readonly format: string;
  /** The file the user named. */
  readonly name: string;
  /** Every file the checkpoint consists of. */
  readonly files: readonly ByteSource[];
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Keras files only: layers in model order, including those without weights. */
  readonly layers?: readonly CheckpointLayer[];
  /** tf.keras object graphs only: name in `tensors` → what the program that saved it called the variable. */
  readonly variableNames?: ReadonlyMap<string, string>;
  /** Optimizer slots and bookkeeping that no model reads, by name, with why each was set aside; not in `tensors`. */
  readonly skipped: ReadonlyMap<string, string>;
  /** Anything else the file says about itself (Keras version, object graph …), for `inspect`. */
  readonly about: Readonly<Record<string, Json>>;
  close(): Promise<void>;
}

/** What opening takes. */
export interface OpenOptions {
  /** Check the checksum of tensor data when it is read; index checksums are always checked. Default true. */
  readonly verifyData?: boolean;
}

/** A checkpoint format. One folder each, one line in `formats.ts`. */
export interface CheckpointFormat {
  readonly name: string;
  /** Whether the files under this name are of the format, judged by content; reads a few bytes at most. */
  matches(files: ByteSourceSet, name: string): Promise<boolean>;
  /** @throws FormatError when damaged; IoError when a file is missing. */
  open(files: ByteSourceSet, name: string, options: OpenOptions): Promise<Checkpoint>;
}
