/**
 * How many answers are right, as CMRC 2017 counts cloze answers: a word is right when it is the truth, character by
 * character. https://github.com/ymcui/cmrc2017
 */
import { InputError } from '../../core/errors.ts';

/** Right answers among all. */
export interface Accuracy {
  readonly right: number;
  readonly count: number;
  /** right / count, from 0 to 1; 0 of none. */
  readonly accuracy: number;
}

/**
 * Compares answers with the truths at the same places.
 * @throws InputError when there are not as many of one as of the other.
 * @example
 * accuracyOf(['狐狸', ' '], ['狐狸', '老虎']); // { right: 1, count: 2, accuracy: 0.5 }
 */
export function accuracyOf(answers: readonly string[], truths: readonly string[]): Accuracy {
  const count = truths.length;
  if (answers.length !== count) {
    throw new InputError({ what: 'answers', expected: `${count}, one for each truth`, found: String(answers.length) });
  }
  const right = answers.filter((answer, i) => answer === truths[i]).length;
  return { right, count, accuracy: count === 0 ? 0 : right / count };
}
