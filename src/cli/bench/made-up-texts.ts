/**
 * Made-up texts of exact lengths in tokens, from the model's own vocabulary: tokenizing them is work as with real texts,
 * and every one is another, so that nothing is recognised from before.
 */
import { ConfigError } from '../../core/errors.ts';
import { type RandomSource, seededRandom } from '../../decode/seeded-random.ts';
import type { Tokenizer } from '../../tokenizers/tokenizer.ts';

/** Counts the tokens of a text as the task will see it. */
export type Measure = (text: string) => number;

/** Makes texts. */
export interface TextMaker {
  /** A text for which `measure` gives `length`. @throws ConfigError when the vocabulary has no words for it. */
  make(length: number, measure: Measure): string;
  /** A length from `longest` down to `longest` less the maker's share of it; the first is `longest`. */
  vary(longest: number, least: number): number;
}

/** Words that texts are made of; more don't make a difference to tokenizers. */
const MOST_WORDS = 512;

/** How often a text is corrected before another is tried, and how many are. */
const CORRECTIONS = 64;
const TRIES = 8;

/** @param spread share by which texts may be shorter, from 0 to below 1. */
export function createTextMaker(tokenizer: Tokenizer, spread: number): TextMaker {
  const random = seededRandom(1);
  const words = findWords(tokenizer, random);
  let turn = 0;
  return {
    make(length, measure) {
      const separator = separatorFor(words, measure);
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const text = makeText({ length, measure, separator, draw: () => pick(words, random) });
        if (text !== undefined) return text;
      }
      throw new ConfigError({ what: 'made-up text', expected: `words for ${length} tokens`, found: 'none that fit' });
    },
    vary(longest, least) {
      // Multiples of the golden ratio, modulo 1, fill the range evenly however many are taken.
      const share = (turn++ * 0.6180339887) % 1;
      return Math.max(least, longest - Math.round(share * spread * longest));
    },
  };
}

/** Tokens that stand for themselves in a text: single Chinese characters where there are any, else words. */
function findWords(tokenizer: Tokenizer, random: RandomSource): readonly string[] {
  const inside = (text: string) => tokenizer.tokenize(text).filter(token => !isSpecial(tokenizer, token));
  const all = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id).replace(/^▁/, ''));
  const chinese = all.filter(token => /^\p{Script=Han}$/u.test(token));
  const known = chinese.length > 0 ? chinese : all.filter(token => /^\p{L}+$/u.test(token));
  const words: string[] = [];
  for (const token of shuffled(known, random)) {
    if (words.length === MOST_WORDS) break;
    if (inside(token).at(-1)?.replace(/^▁/, '') === token) words.push(token);
  }
  if (words.length > 0) return words;
  throw new ConfigError({
    what: 'made-up texts',
    expected: 'words in the vocabulary',
    found: 'none',
    next: 'Use --input.',
  });
}

function isSpecial(tokenizer: Tokenizer, token: string): boolean {
  const id = tokenizer.tokenToId(token);
  return id === tokenizer.tokenStartId || id === tokenizer.tokenEndId;
}

/** Nothing between words where they stay apart by themselves, as characters do; a blank where it takes one. */
function separatorFor(words: readonly string[], measure: Measure): string {
  const sample = words.slice(0, 16);
  const empty = measure('');
  const error = (separator: string) => Math.abs(measure(sample.join(separator)) - empty - sample.length);
  return error('') <= error(' ') ? '' : ' ';
}

interface TextPlan {
  readonly length: number;
  readonly measure: Measure;
  readonly separator: string;
  readonly draw: () => string;
}

/** Adds and drops words until the length is right; undefined when that doesn't come about. */
function makeText({ length, measure, separator, draw }: TextPlan): string | undefined {
  const words: string[] = [];
  for (let correction = 0; correction < CORRECTIONS; correction++) {
    const text = words.join(separator);
    const missing = length - measure(text);
    if (missing === 0) return text;
    if (missing > 0) for (let i = 0; i < missing; i++) words.push(draw());
    else if (words.length === 0) return undefined;
    // One more than there are too many, so that the next word added is another.
    else words.splice(Math.max(0, words.length + missing - 1));
  }
  return undefined;
}

function pick(words: readonly string[], random: RandomSource): string {
  return words[Math.floor(random() * words.length)] ?? '';
}

/** Fisher and Yates. */
function shuffled(words: readonly string[], random: RandomSource): readonly string[] {
  const order = [...words];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] ?? '', order[last] ?? ''];
  }
  return order;
}
