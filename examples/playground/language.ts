/**
 * The language of the page: what is shown follows it at once, what was typed or computed stays.
 */
import { recall, remember } from './remembered.ts';
import { type Language, type Word, words } from './words.ts';

let language: Language = recall('language') ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');

/** A word in the page's language. */
export function say(word: Word): string {
  return words[word][language];
}

/** Gives an element a word, which follows the language. */
export function setWord<E extends HTMLElement>(target: E, word: Word): E {
  target.dataset['word'] = word;
  target.textContent = say(word);
  return target;
}

/** Writes all words, and again whenever the button that names the other language is pressed. */
export function startLanguage(button: HTMLButtonElement, onChange: () => void): void {
  button.addEventListener('click', () => {
    language = language === 'zh' ? 'en' : 'zh';
    remember('language', language);
    writeWords(button);
    onChange();
  });
  writeWords(button);
}

function writeWords(button: HTMLButtonElement): void {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  button.lang = language === 'zh' ? 'en' : 'zh-CN';
  button.textContent = language === 'zh' ? 'English' : '中文';
  for (const part of document.querySelectorAll<HTMLElement>('[data-word]')) {
    const word = part.dataset['word'] ?? '';
    if (word in words) part.textContent = say(word as Word);
  }
  for (const part of document.querySelectorAll<HTMLElement>('[data-label]')) {
    const word = part.dataset['label'] ?? '';
    if (word in words) part.setAttribute('aria-label', say(word as Word));
  }
}
