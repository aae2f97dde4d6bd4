/**
 * Where answers stand in the passages' own text.
 */
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import type { AnswerSpan } from './answer.ts';

/**
 * Places of `answerIds` in a passage, as code-unit offsets into the text that `text` is a character-for-character copy
 * of. Only the part that the model read is searched. None where the tokenizer does not know which characters its tokens
 * came from, or where lower-casing changes the number of characters.
 */
export function findSpans(
  tokenizer: Tokenizer,
  answerIds: readonly number[],
  { passage, text, readIds }: { readonly passage: number; readonly text: string; readonly readIds: readonly number[] },
): readonly AnswerSpan[] {
  const starts = placesOf(answerIds, readIds);
  if (starts.length === 0 || tokenizer.rematch === undefined) return [];
  if ([...text.toLowerCase()].length !== [...text].length) return [];
  const tokens = tokenizer.tokenize(text).slice(tokenizer.tokenStartId === undefined ? 0 : 1);
  const characters = tokenizer.rematch(text, tokens);
  const offsets = characterOffsets(text);
  return starts.flatMap(start => {
    const covered = characters.slice(start, start + answerIds.length).flat();
    const [first, last] = [covered[0], covered.at(-1)];
    if (first === undefined || last === undefined) return [];
    return [{ passage, start: offsets[first] ?? 0, end: offsets[last + 1] ?? text.length }];
  });
}

/** Indices at which `part` begins in `whole`. */
function placesOf(part: readonly number[], whole: readonly number[]): number[] {
  if (part.length === 0) return [];
  const matches = (start: number) => part.every((id, i) => whole[start + i] === id);
  return whole.flatMap((id, start) => (id === part[0] && matches(start) ? [start] : []));
}

/** Code-unit offset of each code point, and the length at the end. */
function characterOffsets(text: string): readonly number[] {
  const offsets = [0];
  for (const character of text) offsets.push((offsets.at(-1) ?? 0) + character.length);
  return offsets;
}
