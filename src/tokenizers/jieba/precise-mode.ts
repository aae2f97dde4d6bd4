/**
 * jieba's precise mode: `cut(text)` and `cut(text, HMM=False)`. Reference: fxsjy/jieba 0.42.1, `__cut_DAG` and
 * `__cut_DAG_NO_HMM` of jieba/__init__.py, `cut` of jieba/finalseg/__init__.py.
 */
import { endOfRun, isAlphanumericUnit, isBlockUnit, isHanUnit } from './blocks.ts';
import type { HiddenMarkovModel } from './data-file.ts';
import type { Dictionary } from './dictionary.ts';
import { hiddenWordEnds } from './hidden-markov.ts';

/** What cutting needs, and its scratch memory. */
export interface Segmenter {
  readonly dictionary: Dictionary;
  readonly model: HiddenMarkovModel;
  /** Words that the hidden Markov model may not put together. */
  readonly deleted: Set<string>;
  /** By place in a block: where the best word from there ends. */
  ends: Int32Array;
}

/** The words of `text`, whose concatenation is `text`. */
export function cut(segmenter: Segmenter, text: string, hmm: boolean): string[] {
  const words: string[] = [];
  const cutBlock = hmm ? cutWithModel : cutByDictionary;
  for (let at = 0; at < text.length; ) {
    let end = endOfRun(text, at, text.length, isBlockUnit);
    if (isBlockUnit(text.charCodeAt(at))) {
      findRoute(segmenter, text, at, end);
      cutBlock(segmenter, text, { at, end }, words);
    } else {
      end = endOfCharacter(text, at);
      words.push(text.slice(at, end));
    }
    at = end;
  }
  return words;
}

interface Span {
  readonly at: number;
  readonly end: number;
}

function findRoute(segmenter: Segmenter, text: string, at: number, end: number): void {
  if (segmenter.ends.length < end - at) segmenter.ends = new Int32Array((end - at) * 2);
  segmenter.dictionary.route(text, at, end, segmenter.ends);
}

/** Neighbouring one-character words are offered to the hidden Markov model together. */
function cutWithModel(segmenter: Segmenter, text: string, block: Span, words: string[]): void {
  let pending = block.at;
  for (let at = block.at; at < block.end; ) {
    const end = segmenter.ends[at - block.at] as number;
    if (end - at > 1) {
      cutPending(segmenter, text, { at: pending, end: at }, words);
      words.push(text.slice(at, end));
      pending = end;
    }
    at = end;
  }
  cutPending(segmenter, text, { at: pending, end: block.end }, words);
}

function cutPending(segmenter: Segmenter, text: string, pending: Span, words: string[]): void {
  const length = pending.end - pending.at;
  if (length === 0) return;
  if (length === 1 || segmenter.dictionary.frequencyOf(text.slice(pending.at, pending.end))) {
    for (let at = pending.at; at < pending.end; at++) words.push(text.charAt(at));
    return;
  }
  for (let at = pending.at; at < pending.end; ) {
    const end = endOfRun(text, at, pending.end, isHanUnit);
    if (isHanUnit(text.charCodeAt(at))) cutHidden(segmenter, text, { at, end }, words);
    else for (const word of text.slice(at, end).split(lettersAndNumbers)) if (word !== '') words.push(word);
    at = end;
  }
}

const lettersAndNumbers = /([a-zA-Z0-9]+(?:\.\d+)?%?)/;

function cutHidden(segmenter: Segmenter, text: string, run: Span, words: string[]): void {
  let at = run.at;
  for (const end of hiddenWordEnds(segmenter.model, text, run.at, run.end)) {
    const word = text.slice(at, end);
    if (segmenter.deleted.has(word)) words.push(...word);
    else words.push(word);
    at = end;
  }
}

/** Without the model, only neighbouring ASCII letters and digits are put together. */
function cutByDictionary(segmenter: Segmenter, text: string, block: Span, words: string[]): void {
  let pending = block.at;
  for (let at = block.at; at < block.end; ) {
    const end = segmenter.ends[at - block.at] as number;
    if (end - at > 1 || !isAlphanumericUnit(text.charCodeAt(at))) {
      if (at > pending) words.push(text.slice(pending, at));
      words.push(text.slice(at, end));
      pending = end;
    }
    at = end;
  }
  if (block.end > pending) words.push(text.slice(pending, block.end));
}

/** Outside of blocks, \r\n is one word and so is each other code point. */
function endOfCharacter(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit === 0x0d) return text.charCodeAt(at + 1) === 0x0a ? at + 2 : at + 1;
  return (text.codePointAt(at) as number) > 0xffff ? at + 2 : at + 1;
}
