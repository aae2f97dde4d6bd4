/**
 * SentencePiece's normaliser: replaces characters, joins white space, puts the dummy prefix, writes blanks as U+2581.
 * Reference: `Normalizer::Normalize`,
 * https://github.com/google/sentencepiece/blob/d8711f55d9b2cb9c77a00adcc18108482b29b675/src/normalizer.cc
 */
import type { Charsmap, Replacement } from './charsmap.ts';
import type { NormalizerSpec } from './model-file.ts';
import type { SymbolMatcher } from './symbol-matcher.ts';
import type { TextBuffer } from './text-buffer.ts';

const blank = 0x20;
/** LOWER ONE EIGHTH BLOCK, which stands for a blank in pieces. */
export const escapedBlank = '\u2581';

/** Normalises text as a model asks. */
export class Normalizer {
  readonly #spec: NormalizerSpec;
  readonly #charsmap: Charsmap | undefined;
  readonly #symbols: SymbolMatcher | undefined;
  readonly #space: number;

  /** @param symbols - the user-defined symbols, if there are any. */
  constructor(spec: NormalizerSpec, symbols: SymbolMatcher | undefined) {
    this.#spec = spec;
    this.#charsmap = spec.charsmap;
    this.#symbols = symbols;
    this.#space = spec.escapeWhitespaces ? escapedBlank.charCodeAt(0) : blank;
  }

  /** Writes the normalised `text` (well-formed UTF-16) into `out`, from its beginning. */
  normalize(text: string, out: TextBuffer): void {
    out.length = 0;
    const { addDummyPrefix, removeExtraWhitespaces } = this.#spec;
    let at = removeExtraWhitespaces ? this.#afterLeadingBlanks(text) : 0;
    if (at === text.length) return;
    if (addDummyPrefix) out.push(this.#space);
    let afterBlank = removeExtraWhitespaces;
    while (at < text.length) {
      const found = this.#replacementAt(text, at);
      if (found !== undefined) {
        afterBlank = this.#append(found.text, out, afterBlank);
        at += found.length;
      } else {
        const unit = text.charCodeAt(at++);
        if (unit !== blank || !afterBlank) out.push(unit === blank ? this.#space : unit);
        if (isHighSurrogate(unit)) out.push(text.charCodeAt(at++));
        afterBlank = unit === blank;
      }
      if (!removeExtraWhitespaces) afterBlank = false;
    }
    if (removeExtraWhitespaces) this.#dropTrailingBlanks(out);
  }

  /** Blanks are dropped here as long as each is what exactly one match gives. */
  #afterLeadingBlanks(text: string): number {
    let at = 0;
    while (at < text.length) {
      const found = this.#replacementAt(text, at);
      if ((found?.text ?? text.charAt(at)) !== ' ') break;
      at += found?.length ?? 1;
    }
    return at;
  }

  /** The symbol or replaced sequence that `text` has at `at`. */
  #replacementAt(text: string, at: number): Replacement | undefined {
    const length = this.#symbols?.match(text, at) ?? 0;
    if (length > 0) return { length, text: text.slice(at, at + length) };
    return this.#charsmap?.longestMatch(text, at);
  }

  /** Appends one replacement, without its leading blanks when one stands before it; answers whether it ends in a blank. */
  #append(text: string, out: TextBuffer, afterBlank: boolean): boolean {
    let start = 0;
    while (afterBlank && text.charCodeAt(start) === blank) start += 1;
    if (start === text.length) return afterBlank;
    for (let at = start; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      out.push(unit === blank ? this.#space : unit);
    }
    return text.charCodeAt(text.length - 1) === blank;
  }

  /** Whatever looks like a blank now goes, be it the dummy prefix or a U+2581 of the text itself. */
  #dropTrailingBlanks(out: TextBuffer): void {
    while (out.length > 0 && out.units[out.length - 1] === this.#space) out.length -= 1;
  }
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}
