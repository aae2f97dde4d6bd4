/**
 * jieba's full mode, `cut(text, cut_all=True)`: every dictionary word in the text. Reference: fxsjy/jieba 0.42.1,
 * `__cut_all` of jieba/__init__.py.
 */
import { endOfRun, isAlphanumericUnit, isBlockUnit, whiteSpaceClass } from './blocks.ts';
import type { Dictionary } from './dictionary.ts';

const aroundWhiteSpace = new RegExp(`(\\r\\n|[${whiteSpaceClass}])`, 'u');

/**
 * All words in rising order of their beginning, then of their end. Between blocks, text is split at white space as
 * Python's `re.split` does it, hence also into empty strings.
 */
export function cutAll(dictionary: Dictionary, text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfRun(text, at, text.length, isBlockUnit);
    const found = isBlockUnit(text.charCodeAt(at))
      ? wordsOfBlock(dictionary, text, at, end)
      : text.slice(at, end).split(aroundWhiteSpace);
    for (const word of found) words.push(word);
    at = end;
  }
  return words;
}

function* wordsOfBlock(dictionary: Dictionary, text: string, start: number, end: number): Iterable<string> {
  let covered = start; // where the last word given ends
  let letters = ''; // one-character words of ASCII letters and digits, given together
  for (let at = start; at < end; at++) {
    const ends = dictionary.wordEnds(text, at, end);
    const isLetter = isAlphanumericUnit(text.charCodeAt(at));
    if (letters !== '' && !isLetter) {
      yield letters;
      letters = '';
    }
    if (ends.length === 1 && at >= covered) {
      covered = ends[0] as number;
      if (isLetter) letters += text.slice(at, covered);
      else yield text.slice(at, covered);
    } else {
      for (const stop of ends) {
        if (stop === at + 1) continue;
        yield text.slice(at, stop);
        covered = stop;
      }
    }
  }
  if (letters !== '') yield letters;
}
