/**
 * A small picture of candidates and how likely each is.
 */
import { make } from './elements.ts';

/** A candidate. */
export interface Ranked {
  readonly text: string;
  /** Probability, from 0 to 1. */
  readonly score: number;
}

/** One bar a candidate. */
export function rankingPicture(title: string, candidates: readonly Ranked[]): HTMLElement {
  const entries = candidates.map(({ text, score }) => {
    const word = make('span', 'candidate', text);
    word.lang = 'zh-CN';
    const filled = make('span', '');
    filled.style.inlineSize = `${score * 100}%`;
    const bar = make('span', 'bar', filled);
    bar.ariaHidden = 'true';
    return make('li', 'ranked', word, bar, make('span', 'percent', `${(score * 100).toFixed(1)} %`));
  });
  return make('figure', '', make('figcaption', '', title), make('ol', 'ranking', ...entries));
}
