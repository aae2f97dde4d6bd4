/**
 * What the page remembers between visits: small choices, in the browser's local storage.
 */
import type { Language } from './words.ts';

/** Names and values. */
interface Remembered {
  readonly language: Language;
  /** Bundled model chosen last, or `own`. */
  readonly chosen: string;
  readonly device: 'auto' | 'wasm' | 'webgpu';
  /** Title of the model that was converted last and lies in the private file system. */
  readonly converted: string;
}

const PREFIX = 'bert4ort-playground-';

/** What was remembered under a name. */
export function recall<Name extends keyof Remembered>(name: Name): Remembered[Name] | undefined {
  return (localStorage.getItem(PREFIX + name) as Remembered[Name] | null) ?? undefined;
}

/** Remembers a value. */
export function remember<Name extends keyof Remembered>(name: Name, value: Remembered[Name]): void {
  localStorage.setItem(PREFIX + name, value);
}
