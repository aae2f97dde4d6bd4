/**
 * Words of the user's own: jieba's `add_word`, `del_word`, `suggest_freq`, `load_userdict`. Reference: fxsjy/jieba
 * 0.42.1, jieba/__init__.py.
 */
import { InputError } from '../../core/errors.ts';
import { cut, type Segmenter } from './precise-mode.ts';

const userLine = /^(.+?)( [0-9]+)?( [a-z]+)?$/su;

/** What `bytes.strip` takes from a line: ASCII's white space. A blank of full width, for one, belongs to the word. */
const ends = /^[ \t-\r]+|[ \t-\r]+$/g;

/** Sets a word's frequency; 0 deletes it. */
export function addWord(segmenter: Segmenter, word: string, frequency?: number): void {
  const chosen = frequency ?? suggestFrequency(segmenter, word);
  if (!Number.isSafeInteger(chosen) || chosen < 0) {
    throw new InputError({
      what: `frequency of "${word}"`,
      expected: 'a whole number from 0',
      found: String(frequency),
    });
  }
  segmenter.dictionary.set(word, chosen);
  if (chosen === 0) segmenter.deleted.add(word);
}

/** Adds a user dictionary's lines, `word[ frequency][ tag]`; tags, which only jieba.posseg reads, are passed over. */
export function addDictionary(segmenter: Segmenter, text: string): void {
  for (const line of text.split('\n')) {
    const [, word, frequency] = userLine.exec(line.replace(ends, '').replace(/^\ufeff+/, '')) ?? [];
    if (word === undefined) continue;
    addWord(segmenter, word, frequency === undefined ? undefined : Number(frequency));
  }
}

/** The least frequency at which the word is cut out whole, or the greatest at which it falls into the parts given. */
export function suggestFrequency(segmenter: Segmenter, word: string | readonly string[]): number {
  const { dictionary } = segmenter;
  const parts = typeof word === 'string' ? cut(segmenter, word, false) : word;
  let share = 1;
  for (const part of parts) share *= (dictionary.frequencyOf(part) ?? 1) / dictionary.total;
  const frequency = Math.trunc(share * dictionary.total);
  return typeof word === 'string'
    ? Math.max(frequency + 1, dictionary.frequencyOf(word) ?? 1)
    : Math.min(frequency, dictionary.frequencyOf(parts.join('')) ?? 0);
}
