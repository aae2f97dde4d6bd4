/**
 * Progress of long work, with the event names that users of Hugging Face's JavaScript libraries know.
 */

/** One step of progress. `file` is a file or a stage; `loaded` and `total` count bytes. */
export type ProgressEvent =
  | { readonly status: 'initiate'; readonly file: string }
  | { readonly status: 'download'; readonly file: string }
  | { readonly status: 'progress'; readonly file: string; readonly loaded: number; readonly total: number }
  | { readonly status: 'done'; readonly file: string }
  | { readonly status: 'ready'; readonly file: string };

/** Receives progress; must not throw. */
export type ProgressListener = (event: ProgressEvent) => void;
