/**
 * Where bytes come from. A file on disk, a browser's Blob, an HTTP resource and a buffer in memory all look the same to
 * the readers of formats: a name, a size, and ranges.
 */

/** A readable sequence of bytes of known size. Implementations live in `src/io`. */
export interface ByteSource {
  /** How the user knows it: a path, a URL or a file name. Appears in errors. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Path on the local file system, where there is one; lets a converter link or clone the file instead of copying it. */
  readonly path?: string;
  /**
   * Reads exactly `length` bytes from `offset`.
   * @param into memory of at least `length` bytes that the result may lie in, so that reading in pieces need not take new
   * memory for each; sources that have the bytes in memory anyway return those.
   * @throws FormatError when the range is not inside the source; IoError when reading fails.
   */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Gives back file handles and the like; the source must not be used afterwards. */
  close(): Promise<void>;
}

/**
 * A set of named byte sources: a folder, files dropped on a page, a URL prefix. A checkpoint is often several files
 * beside each other, so readers are handed the set and the name the user gave.
 */
export interface ByteSourceSet {
  /** Names in the set, relative to it, in no particular order. */
  list(): Promise<readonly string[]>;
  /** Opens one. @throws IoError when there is none of that name. */
  open(name: string): Promise<ByteSource>;
}

/** Where a model directory is written. A set becomes visible under its final name only when `commit` has returned. */
export interface ByteSink {
  /** Starts a file; `size` in bytes where it is known beforehand, so that space can be reserved. */
  create(name: string, size?: number, request?: WriteRequest): Promise<ByteWriter>;
  /**
   * Makes `name` a second name of the file at `path` (a hard link). Returns its SHA-256 when asked for it.
   * @throws IoError where that is not possible.
   */
  link?(name: string, path: string, request?: WriteRequest): Promise<string | undefined>;
  /**
   * Copies the file at `path` to `name` by the fastest way the file system has (clone, kernel copy). Returns its SHA-256
   * when asked for it.
   */
  copy?(name: string, path: string, request?: CopyRequest): Promise<string | undefined>;
  /** Publishes everything written under the final name at once. */
  commit(): Promise<void>;
  /** Removes everything written. Safe to call after a failed `create` or `commit`. */
  discard(): Promise<void>;
}

/** What a sink does beside storing the bytes of a file. */
export interface WriteRequest {
  /** Compute the SHA-256 of what is stored, 64 lower-case hexadecimal digits. Default false. */
  readonly sha256?: boolean;
}

/** What a sink does beside copying a file. */
export interface CopyRequest extends WriteRequest {
  /** Hears of the bytes copied so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** A file being written from front to back. */
export interface ByteWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the file. Returns the SHA-256 of what was written when the sink was asked for it. */
  close(): Promise<string | undefined>;
}
