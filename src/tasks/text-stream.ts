/**
 * Text as it grows, told in pieces that are never taken back. The text of some ids is not always a beginning of the text
 * of more ids: bytes of an unfinished character decode to U+FFFD, and `decode` of bert4keras joins `' s` to `'s` once
 * another word follows. Such ends are held back until they are settled.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/tokenizers.py
 */
import { InputError } from '../core/errors.ts';
import type { StepListener } from '../decode/step-events.ts';

/** An end that more tokens may change: bytes of a character, or a contraction that may be joined to its apostrophe. */
const UNSETTLED = /(?:\ufffd+|(?<=') (?:r|re|m|s|t|v|ve|d|l|ll)?)$/u;

/** Grows with every token. */
export interface TextStream {
  /** Adds tokens; returns the text that is settled by them, often ''. */
  push(tokenIds: readonly number[]): string;
  /** Returns the rest of the final text. */
  end(text: string): string;
}

/** @param toText the text of all new ids so far. */
export function createTextStream(toText: (tokenIds: readonly number[]) => string): TextStream {
  const tokenIds: number[] = [];
  let told = '';
  const tell = (text: string): string => {
    if (!text.startsWith(told)) throw takenBack(told, text);
    const piece = text.slice(told.length);
    told = text;
    return piece;
  };
  return {
    push(more) {
      tokenIds.push(...more);
      const settled = toText(tokenIds).replace(UNSETTLED, '');
      // What is held back now may be shorter than what was told of a shorter text.
      return settled.length < told.length && told.startsWith(settled) ? '' : tell(settled);
    },
    end: tell,
  };
}

/** A run that reports tokens while it works. */
export type StreamedRun<T> = (onStep: StepListener, signal: AbortSignal) => Promise<T>;

/**
 * The pieces of a text while a run writes it; joined they are the result's text. Returns the result. Whoever stops
 * listening stops the run.
 * @throws what the run throws.
 */
export async function* streamText<T extends { readonly text: string }>(
  run: StreamedRun<T>,
  toText: (tokenIds: readonly number[]) => string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, T, undefined> {
  const stop = new AbortController();
  const stream = createTextStream(toText);
  const pieces: string[] = [];
  let wake: (() => void) | undefined;
  let running = true;
  const listener: StepListener = ({ tokenIds }) => {
    pieces.push(stream.push(tokenIds));
    wake?.();
  };
  const signals = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const result = run(listener, signals).finally(() => {
    running = false;
    wake?.();
  });
  const settled = Promise.allSettled([result]);
  try {
    while (running) {
      const woken = new Promise<void>(resolve => {
        wake = resolve;
      });
      const piece = pieces.splice(0).join('');
      if (piece !== '') yield piece;
      else if (running) await woken;
    }
    const final = await result;
    const rest = pieces.splice(0).join('') + stream.end(final.text);
    if (rest !== '') yield rest;
    return final;
  } finally {
    stop.abort();
    await settled;
  }
}

function takenBack(told: string, text: string): InputError {
  return new InputError({
    what: 'text of a stream',
    expected: `one that begins with ${JSON.stringify(told.slice(-40))}`,
    found: JSON.stringify(text.slice(Math.max(0, told.length - 40), told.length + 40)),
    next: 'Use the whole result.',
  });
}
