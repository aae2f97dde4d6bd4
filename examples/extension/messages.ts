/**
 * What the extension's page and its service worker say to each other.
 */

/** Asks a question about a text. */
export interface Question {
  readonly question: string;
  readonly text: string;
}

/** An answer with the places in the text where it stands, or what went wrong. */
export type Reply =
  | {
      readonly answer: string;
      readonly spans: readonly { readonly start: number; readonly end: number }[];
      readonly milliseconds: number;
    }
  | { readonly error: string };

/** Key of the session storage under which the selected text waits for the page. */
export const SELECTION = 'selection';
