/**
 * The state of a pickle being read: the input, a stack, a memo, and the counts that keep a hostile one small. No step
 * recurses and none copies a shared object, so the work is bounded by the file's size.
 */
import type { Cursor } from '../../src/core/cursor.ts';
import { type ErrorDetails, FormatError } from '../../src/core/errors.ts';
import { decodeUtf8, describe, type NdArray, type PickleKey, type PickleValue } from './pickle-value.ts';
import { endOfLine, latin1 } from './text-literals.ts';

/** Values pushed, and memo entries; a vocabulary of a million words needs four million. Maps hold 16 million at most. */
const MAX_VALUES = 10_000_000;

/** Lists, dicts, sets, tuples and arrays in all: they take far more memory than the byte that makes one. */
const MAX_CONTAINERS = 1_000_000;

/** Marks open at once: how deep one-line structures may nest. */
const MAX_DEPTH = 1000;

/** Bytes and items copied by what a pickle calls, per byte of the file: honest files need each of theirs once or twice. */
const MAX_COPIES = 8;

/** Longest name of a module or of something in it. */
const MAX_NAME = 256;

/** A NumPy element type while it is being put together. */
export interface DtypeObject {
  readonly kind: 'numpy.dtype';
  readonly code: string;
  bigEndian: boolean;
}

/** Something a pickle named by module and name; only those in the table of globals ever exist. */
export interface GlobalObject {
  readonly kind: 'global';
  readonly name: string;
  /** What calling it with a tuple makes; absent for those that are only handed to others. */
  readonly call?: (machine: Machine, args: readonly Item[]) => Item;
}

/** An NdArray until its state is set. */
export type ArrayShell = { -readonly [K in keyof NdArray]: NdArray[K] };

/** Anything on the stack: data, or a part that is used up before the end. */
export type Item = PickleValue | DtypeObject | GlobalObject;

/** See the header. Methods throw a FormatError with the offset of the opcode at work. */
export class Machine {
  readonly cursor: Cursor;
  readonly #bytes: Uint8Array;
  readonly #file: string;
  readonly #stack: Item[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Item>();
  /** Tuples that hold something other than data. */
  readonly #parts = new WeakSet<object>();
  readonly #shells = new Set<ArrayShell>();
  #values = 0;
  #containers = 0;
  #copied = 0;
  /** Offset of the opcode being carried out. */
  #opcodeAt = 0;

  constructor(cursor: Cursor, bytes: Uint8Array, file: string) {
    this.cursor = cursor;
    this.#bytes = bytes;
    this.#file = file;
  }

  /** The next opcode. */
  nextOpcode(): number {
    this.#opcodeAt = this.cursor.position;
    return this.cursor.u8();
  }

  /** The next line, without its line feed. */
  line(): Uint8Array {
    const end = endOfLine(this.#bytes, this.cursor.position);
    if (end < 0) throw this.error({ what: 'line', expected: 'a line feed at its end', found: 'the end of the file' });
    const line = this.cursor.bytes(end - this.cursor.position);
    this.cursor.seek(end + 1);
    return line;
  }

  /** The next line as Latin-1, for numbers and names. */
  shortLine(): string {
    const line = this.line();
    if (line.length > 8192) throw this.error({ what: 'line', expected: '8192 bytes at most', found: `${line.length}` });
    return latin1(line);
  }

  push(item: Item): void {
    this.#values++;
    if (this.#values > MAX_VALUES) throw this.#tooMany('values', MAX_VALUES);
    if (typeof item === 'object' && item !== null) this.#containers++;
    if (this.#containers > MAX_CONTAINERS) throw this.#tooMany('objects', MAX_CONTAINERS);
    this.#stack.push(item);
  }

  /** Pushes something that is already counted. */
  pushAgain(item: Item): void {
    this.#values++;
    if (this.#values > MAX_VALUES) throw this.#tooMany('values', MAX_VALUES);
    this.#stack.push(item);
  }

  pop(): Item {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw this.#empty();
    return this.#stack.pop() as Item;
  }

  top(): Item {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw this.#empty();
    return this.#stack[this.#stack.length - 1] as Item;
  }

  mark(): void {
    if (this.#marks.length >= MAX_DEPTH) throw this.#tooMany('open marks', MAX_DEPTH);
    this.#marks.push(this.#stack.length);
  }

  /** Everything above the last mark, which is taken away. */
  popToMark(): Item[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.error({ what: 'stack', expected: 'a mark', found: 'none' });
    return this.#stack.splice(mark);
  }

  /** A tuple is a frozen array; it may hold parts, but is then a part itself. */
  tuple(items: Item[]): readonly Item[] {
    if (items.some(item => !this.isData(item))) this.#parts.add(items);
    return Object.freeze(items);
  }

  isData(item: Item): item is PickleValue {
    if (typeof item !== 'object' || item === null) return true;
    if ('kind' in item) return item.kind === 'ndarray';
    return !this.#parts.has(item);
  }

  /** `item` as something a list, a dict or the caller may hold. */
  data(item: Item): PickleValue {
    if (this.isData(item)) return item;
    throw this.error({ what: 'value', expected: 'data', found: describe(item) });
  }

  /** `item` as a key. */
  key(item: Item): PickleKey {
    if (item === null || typeof item !== 'object') return item;
    if (item instanceof Uint8Array) this.countCopy(item.length);
    const text = item instanceof Uint8Array ? decodeUtf8(item) : undefined;
    if (text !== undefined) return text;
    throw this.error({ what: 'key of a dict or set', expected: 'text, a number or None', found: describe(item) });
  }

  /**
   * Counts bytes or items that a call copies. A pickle may call with the same large argument again and again, each time
   * in a few bytes.
   */
  countCopy(count: number): void {
    this.#copied += count;
    const limit = MAX_COPIES * this.#bytes.length;
    if (this.#copied > limit) throw this.#tooMany('bytes copied', limit);
  }

  put(index: number): void {
    if (this.#memo.size >= MAX_VALUES) throw this.#tooMany('memo entries', MAX_VALUES);
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): Item {
    const item = this.#memo.get(index);
    if (item === undefined) throw this.error({ what: 'memo', expected: `an entry ${index}`, found: 'none' });
    return item;
  }

  /** Notes an array whose state has yet to be set. */
  awaitState(shell: ArrayShell): ArrayShell {
    this.#shells.add(shell);
    return shell;
  }

  /** Whether `item` is an array whose state has yet to be set; it is then taken as set. */
  takeShell(item: Item): ArrayShell | undefined {
    const shell = item as ArrayShell;
    return this.#shells.delete(shell) ? shell : undefined;
  }

  /** The one value that is left at the end. */
  finish(): PickleValue {
    const value = this.data(this.pop());
    if (this.#stack.length > 0) throw this.error({ what: 'end', expected: 'one value', found: 'more' });
    if (this.#shells.size > 0) throw this.error({ what: 'NumPy array', expected: 'its elements', found: 'none' });
    if (this.cursor.remaining > 0) {
      throw this.error({ what: 'end', expected: 'nothing after it', found: `${this.cursor.remaining} bytes` });
    }
    return value;
  }

  /** A name of a module or of something in it. */
  name(text: Item): string {
    if (typeof text === 'string' && text.length <= MAX_NAME) return text;
    throw this.error({ what: 'global', expected: `a name of at most ${MAX_NAME} characters`, found: describe(text) });
  }

  error(details: ErrorDetails): FormatError {
    return new FormatError({ file: this.#file, place: `byte ${this.#opcodeAt}`, ...details });
  }

  #empty(): FormatError {
    return this.error({ what: 'stack', expected: 'a value', found: 'none' });
  }

  #tooMany(what: string, limit: number): FormatError {
    return this.error({ what: `number of ${what}`, expected: `${limit} at most`, found: 'more' });
  }
}
