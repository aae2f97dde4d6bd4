/**
 * An HDF5 file as the one ArrayBuffer that jsfive wants, without reading the file: pages start out empty (the operating
 * system backs them with nothing until written) and are filled where structures lie. jsfive goes to every structure by
 * `slice`, so that is where an empty page is noticed, where signatures and sizes that jsfive trusts are checked, and
 * where the work a hostile file can cause is counted.
 *
 * Structures: HDF5 File Format Specification 3.0, sections III.A.1 (B-tree), III.B (symbol table), III.D, III.E (heaps).
 * https://github.com/HDFGroup/hdf5/blob/hdf5_1_14_3/doxygen/examples/H5.format.html
 */
import type { ByteSource } from '../../src/core/byte-source.ts';
import { FormatError, IoError } from '../../src/core/errors.ts';
import { safeNumber } from '../../src/core/int64.ts';

/** Bytes that are filled together. Metadata of one layer lies close together, so larger pages mean fewer reads. */
const PAGE = 1 << 16;

/** Largest single structure; the largest real ones are the heaps that hold the names of a group, some 100 kB. */
const MAX_STRUCTURE = 1 << 24;

/** Bytes jsfive may copy while a file is open, each structure costing {@link STRUCTURE_COST} more: seconds at most. */
const MAX_WORK = 1 << 28;
const STRUCTURE_COST = 256;

/** A range of addresses: `begin` from the start of the image, both in bytes. */
export interface Extent {
  readonly begin: number;
  readonly length: number;
}

/** Thrown through jsfive when it is about to look at pages that are still empty; fill them and start again. */
export class MissingBytes extends Error {
  readonly extents: readonly Extent[];

  constructor(extents: readonly Extent[]) {
    super('bytes of the file are needed that have not been read yet');
    this.extents = extents;
  }
}

/** The image. Hand it to jsfive, catch {@link MissingBytes}, `fill`, try again. */
export class FileImage extends ArrayBuffer {
  /** Slices are plain buffers. */
  static override get [Symbol.species](): ArrayBufferConstructor {
    return ArrayBuffer;
  }

  /** All addresses; zero where a page is empty, so call `need` first. */
  readonly view: DataView;
  /** Name of the file, for errors. */
  readonly name: string;
  readonly #source: ByteSource;
  readonly #base: number;
  readonly #filled: Uint8Array;
  #work = 0;

  /** @throws RangeError when `size` is more than the platform can address. */
  constructor(source: ByteSource, base: number) {
    super(source.size - base);
    this.view = new DataView(this);
    this.name = source.name;
    this.#source = source;
    this.#base = base;
    this.#filled = new Uint8Array(Math.ceil(this.byteLength / PAGE));
  }

  /** Reads the pages under `extents`. */
  async fill(extents: readonly Extent[]): Promise<void> {
    for (const { begin, length } of extents) {
      const first = Math.floor(begin / PAGE);
      const end = Math.ceil((begin + length) / PAGE);
      for (let page = first; page < end; page++) if (this.#filled[page] === 0) await this.#fillPage(page);
    }
  }

  /** Throws {@link MissingBytes} unless all `extents` are filled, and a FormatError where one leaves the file. */
  need(...extents: readonly Extent[]): void {
    for (const extent of extents) this.#checkInside(extent);
    const missing = extents.filter(extent => !this.#isFilled(extent));
    if (missing.length > 0) throw new MissingBytes(missing);
  }

  /** The unsigned 64-bit integer at `address`. @throws FormatError above 2^53 - 1. */
  u64(address: number): number {
    const details = { file: this.name, place: `byte ${address}`, what: 'address or size' };
    return safeNumber(this.view.getBigUint64(address, true), details);
  }

  /** Counts work. @throws FormatError when a file causes more than any real one does. */
  charge(bytes: number): void {
    this.#work += STRUCTURE_COST + bytes;
    if (this.#work > MAX_WORK) {
      throw this.error('structures', `work worth ${MAX_WORK} bytes at most`, 'structures that are repeated or nested');
    }
  }

  /** A FormatError about this file. */
  error(what: string, expected: string, found: string): FormatError {
    return new FormatError({ file: this.name, what, expected, found });
  }

  /** Copies bytes `begin` to `end`; jsfive's way to every structure. A length of 4 is always a signature. */
  override slice(begin = 0, end = this.byteLength): ArrayBuffer {
    const length = end - begin;
    if (!(length <= MAX_STRUCTURE)) {
      throw this.error(`structure at ${begin}`, `${MAX_STRUCTURE} bytes at most`, `${length}`);
    }
    this.charge(length);
    this.need({ begin, length });
    if (length === 4) this.#admit(begin);
    return super.slice(begin, end);
  }

  /** Checks the structure whose signature stands at `address` and that all of it is filled. */
  #admit(address: number): void {
    const signature = String.fromCharCode(...new Uint8Array(this, address, 4));
    if (signature === 'TREE') this.#admitTree(address);
    else if (signature === 'SNOD') this.#admitSymbols(address);
    else if (signature === 'HEAP') this.need({ begin: address, length: 32 });
    else if (signature === 'GCOL') this.#admitGlobalHeap(address);
    else throw this.error(`structure at ${address}`, 'TREE, SNOD, HEAP or GCOL', JSON.stringify(signature));
  }

  /** A node of a group's B-tree: its children are needed next, so all that are missing are asked for together. */
  #admitTree(address: number): void {
    this.need({ begin: address, length: 24 });
    const type = this.view.getUint8(address + 4);
    if (type !== 0) throw this.error(`B-tree node at ${address}`, 'type 0 (group)', `type ${type}`);
    const entries = this.view.getUint16(address + 6, true);
    this.charge(STRUCTURE_COST * entries);
    this.need({ begin: address, length: 32 + 16 * entries });
    const children = Array.from({ length: entries }, (_, i) => this.u64(address + 32 + 16 * i));
    this.need(...children.map(begin => ({ begin, length: 8 })));
  }

  #admitSymbols(address: number): void {
    this.need({ begin: address, length: 8 });
    this.need({ begin: address, length: 8 + 40 * this.view.getUint16(address + 6, true) });
  }

  #admitGlobalHeap(address: number): void {
    this.need({ begin: address, length: 16 });
    this.charge(4 * this.u64(address + 8));
  }

  #checkInside({ begin, length }: Extent): void {
    if (!(Number.isSafeInteger(begin) && begin >= 0 && length >= 0 && begin + length <= this.byteLength)) {
      throw this.error('address of a structure', `a place in ${this.byteLength} bytes`, `${length} bytes at ${begin}`);
    }
  }

  #isFilled({ begin, length }: Extent): boolean {
    const end = Math.ceil((begin + length) / PAGE);
    for (let page = Math.floor(begin / PAGE); page < end; page++) if (this.#filled[page] === 0) return false;
    return true;
  }

  async #fillPage(page: number): Promise<void> {
    const begin = page * PAGE;
    const length = Math.min(PAGE, this.byteLength - begin);
    new Uint8Array(this, begin, length).set(await this.#source.read(this.#base + begin, length));
    this.#filled[page] = 1;
  }
}

/** An empty image of `source` from `base` on. @throws IoError when the platform can't address that many bytes. */
export function createFileImage(source: ByteSource, base: number): FileImage {
  try {
    return new FileImage(source, base);
  } catch (thrown) {
    throw new IoError(
      {
        file: source.name,
        what: 'address space for an HDF5 file',
        found: `${source.size} bytes, more than this platform can map`,
        next: 'Save the weights as a TensorFlow checkpoint, or convert on a machine with more memory.',
      },
      { cause: thrown },
    );
  }
}
