/**
 * SentencePiece's precompiled character map: which sequences of characters are replaced by what (NFKC and more).
 *
 * ```
 * uint32 LE   bytes of the trie
 * uint32 LE[] the trie: a Darts-clone double array over UTF-8 keys, whose values are offsets into the strings
 * strings     UTF-8, each ended by NUL
 * ```
 * A unit of the double array: bits 0-7 label (bit 31 set in a leaf, whose other bits are the value), bit 8 "a value lies
 * at child 0", bits 10-30 offset to the children, shifted left by 8 when bit 9 is set.
 * References: https://github.com/google/sentencepiece/blob/d8711f55d9b2cb9c77a00adcc18108482b29b675/src/normalizer.cc,
 * S. Yata's darts-clone.
 */
import { FormatError } from '../../core/errors.ts';

/** What stands for `length` code units of the text. */
export interface Replacement {
  readonly length: number;
  readonly text: string;
}

const unknown = 0;
const startsNone = 1;
const startsSome = 2;

/** The map, ready to be asked. Keys that end inside a character, which no compiler makes, are never found. */
export class Charsmap {
  readonly #units: Uint32Array;
  readonly #strings: Uint8Array;
  /** By code unit: whether any key begins with this character; found out when first asked. */
  readonly #starts = new Uint8Array(1 << 16);
  /** By position in the trie. */
  readonly #replacements = new Map<number, Replacement>();
  /** Where the last {@link #step} led. */
  #unit = 0;

  /** @throws {@link FormatError} when the sizes or offsets in `bytes` lead outside of it. */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = bytes.length > 4 ? view.getUint32(0, true) : 0;
    if (size >= bytes.length - 4 || size < 4) throw broken(`a trie of ${size} bytes in ${bytes.length}`);
    this.#units = new Uint32Array(size >>> 2);
    for (let index = 0; index < this.#units.length; index++) this.#units[index] = view.getUint32(4 + index * 4, true);
    this.#strings = bytes.subarray(4 + size);
    this.#checkValues();
  }

  /** The longest key that `text` (well-formed UTF-16) has at `at`, with its replacement. */
  longestMatch(text: string, at: number): Replacement | undefined {
    if (!this.#mayStart(text.charCodeAt(at))) return undefined;
    let found: Replacement | undefined;
    let position = offsetOf(this.#units[0] as number);
    for (let end = at; end < text.length; ) {
      const codePoint = text.codePointAt(end) as number;
      end += codePoint > 0xffff ? 2 : 1;
      position = this.#step(position, codePoint);
      if (position < 0) break;
      if (hasValue(this.#unit)) found = this.#replacementAt(position, end - at);
    }
    return found;
  }

  /** Goes down by one character; -1 where no key goes on. */
  #step(from: number, codePoint: number): number {
    let position = from;
    for (let rest = utf8Length(codePoint) - 1, first = true; rest >= 0; rest--, first = false) {
      const bits = codePoint >>> (6 * rest);
      const byte = !first ? (bits & 0x3f) | 0x80 : leadByte(codePoint, bits);
      position ^= byte;
      if (position >= this.#units.length) return -1;
      const unit = this.#units[position] as number;
      if ((unit & 0x800000ff) !== byte) return -1;
      this.#unit = unit;
      position ^= offsetOf(unit);
    }
    return position < this.#units.length ? position : -1;
  }

  #mayStart(unit: number): boolean {
    if (this.#starts[unit] === unknown) {
      const isHalf = unit >= 0xd800 && unit < 0xe000;
      const starts = isHalf || this.#step(offsetOf(this.#units[0] as number), unit) >= 0;
      this.#starts[unit] = starts ? startsSome : startsNone;
    }
    return this.#starts[unit] === startsSome;
  }

  #replacementAt(position: number, length: number): Replacement {
    const known = this.#replacements.get(position);
    if (known !== undefined && known.length === length) return known;
    const start = (this.#units[position] as number) & 0x7fffffff;
    const end = this.#strings.indexOf(0, start);
    const text = new TextDecoder().decode(this.#strings.subarray(start, end < 0 ? undefined : end));
    const replacement = { length, text };
    this.#replacements.set(position, replacement);
    return replacement;
  }

  #checkValues(): void {
    for (let position = 0; position < this.#units.length; position++) {
      const unit = this.#units[position] as number;
      if (unit >= 0x80000000 || !hasValue(unit)) continue;
      const leaf = this.#units[(position ^ offsetOf(unit)) >>> 0];
      if (leaf !== undefined && (leaf & 0x7fffffff) < this.#strings.length) continue;
      throw broken(`a value of unit ${position} that lies outside`);
    }
  }
}

function hasValue(unit: number): boolean {
  return (unit & 0x100) !== 0;
}

function offsetOf(unit: number): number {
  return ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

function leadByte(codePoint: number, bits: number): number {
  if (codePoint < 0x80) return bits;
  if (codePoint < 0x800) return bits | 0xc0;
  return codePoint < 0x10000 ? bits | 0xe0 : bits | 0xf0;
}

function broken(found: string): FormatError {
  return new FormatError({ what: 'precompiled charsmap', expected: 'a trie and strings of consistent size', found });
}
