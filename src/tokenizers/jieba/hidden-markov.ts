/**
 * The words that jieba finds outside its dictionary: Viterbi over the states B(egin), E(nd), M(iddle), S(ingle) of each
 * character. Reference: fxsjy/jieba 0.42.1, jieba/finalseg/__init__.py.
 *
 * Unseen emissions and transitions are -3.14e100, which swallows whatever is added to it, so exact ties do occur; Python
 * compares (score, letter), so the later letter wins. The numbering B 0, E 1, M 2, S 3 keeps the order of letters.
 */
import type { HiddenMarkovModel } from './data-file.ts';

const [begin, finish, middle, single] = [0, 1, 2, 3];
/** By state, the two that can precede it, the one that wins a tie last. */
const before: readonly (readonly [number, number])[] = [
  [finish, single],
  [begin, middle],
  [begin, middle],
  [finish, single],
] as const;

/** Where words end (code units) in the Han characters of `text` from `start` to `end`; the last one is `end`. */
export function hiddenWordEnds(model: HiddenMarkovModel, text: string, start: number, end: number): number[] {
  const states = likeliestStates(model, text, start, end);
  const ends: number[] = [];
  for (const [index, state] of states.entries()) {
    if (state === finish || state === single) ends.push(start + index + 1);
  }
  return ends;
}

/** The path of states through the characters. */
function likeliestStates(model: HiddenMarkovModel, text: string, start: number, end: number): Uint8Array {
  const length = end - start;
  const cameFrom = new Uint8Array(length * 4);
  let scores = new Float64Array(4);
  let next = new Float64Array(4);
  for (let state = 0; state < 4; state++) {
    scores[state] = (model.start[state] as number) + emission(model, text.charCodeAt(start), state);
  }
  for (let index = 1; index < length; index++) {
    const unit = text.charCodeAt(start + index);
    for (let state = 0; state < 4; state++) {
      const [one, other] = before[state] as readonly [number, number];
      const emitted = emission(model, unit, state);
      const fromOne = (scores[one] as number) + (model.transition[one * 4 + state] as number) + emitted;
      const fromOther = (scores[other] as number) + (model.transition[other * 4 + state] as number) + emitted;
      next[state] = Math.max(fromOther, fromOne);
      cameFrom[index * 4 + state] = fromOther >= fromOne ? other : one;
    }
    [scores, next] = [next, scores];
  }
  let state = (scores[single] as number) >= (scores[finish] as number) ? single : finish;
  const states = new Uint8Array(length);
  for (let index = length - 1; index >= 0; index--) {
    states[index] = state;
    state = cameFrom[index * 4 + state] as number;
  }
  return states;
}

function emission(model: HiddenMarkovModel, unit: number, state: number): number {
  return model.emissions[(model.rows[unit] as number) * 4 + state] as number;
}
