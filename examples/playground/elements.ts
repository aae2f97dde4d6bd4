/**
 * Elements of the page: found, made, and what is told to screen readers.
 */
import { Bert4ortError } from '../../src/web.ts';
import { ConverterError } from './converter.ts';
import { setWord } from './language.ts';
import { type Word, words } from './words.ts';

/** The element of an id. @throws Error when the page has none of that kind. */
export function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} "${id}"`);
}

/** Makes an element with a class and children. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** Makes an element that shows a word. */
export function makeWord<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, className: string, word: Word) {
  return setWord(make(tag, className), word) as HTMLElementTagNameMap[Tag];
}

/** A name and what is to be shown beside it. */
export type Fact = readonly [Word, Node | string];

/** Shows a list of facts. */
export function showFacts(target: HTMLElement, facts: readonly Fact[]): void {
  target.replaceChildren(...facts.flatMap(([word, shown]) => [makeWord('dt', '', word), make('dd', '', shown)]));
}

/** Says something to screen readers once, where nothing on the screen would. */
export function announce(text: string): void {
  element('announcer', HTMLElement).textContent = text;
}

/** Shows an error with its kind and what to do next, or, without one, takes the one shown away. */
export function showError(target: HTMLElement, error?: unknown): void {
  target.replaceChildren();
  if (error === undefined) return;
  const known = error instanceof Bert4ortError || error instanceof ConverterError ? error.code : 'OTHER';
  const code = `error${known}` in words ? known : 'OTHER';
  const message = error instanceof Error ? error.message : String(error);
  const shown = make('p', 'message', message);
  shown.lang = 'en';
  target.append(makeWord('strong', '', `error${code}` as Word), shown, makeWord('p', '', `next${code}` as Word));
}

/** Moves focus to a heading that has just come up, so that reading and tabbing go on there, and the view if need be. */
export function moveTo(heading: HTMLElement): void {
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  const { top } = heading.getBoundingClientRect();
  if (top >= 0 && top < innerHeight / 2) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  heading.scrollIntoView({ block: 'start', behavior: calm ? 'auto' : 'smooth' });
}

/** A select's options: value and text. */
export function fillSelect(
  select: HTMLSelectElement,
  options: readonly (readonly [string, string])[],
  value: string,
): void {
  select.replaceChildren(...options.map(([name, text]) => new Option(text, name, false, name === value)));
}
