/**
 * What a run took: time, device, and memory as far as the browser tells.
 */
import { messageOf, type WebModel } from '../../src/web.ts';
import { type Fact, make, makeWord, showFacts } from './elements.ts';
import { say } from './language.ts';
import { duration, megabytes } from './quantities.ts';
import type { Told } from './tasks.ts';

/** A run that has just ended. */
export interface Run {
  readonly told: Told;
  /** When it began, as `performance.now()` gives it. */
  readonly began: number;
  /** Whether the graph was opened in it. */
  readonly opened: boolean;
}

/** Shows what a run took. */
export function showMeasures(target: HTMLElement, model: WebModel, { told, began, opened }: Run): void {
  const now = performance.now();
  const { device, reason } = model.device ?? { device: '–', reason: '' };
  const name = make('b', '', device);
  const why = make('span', 'reason', reason);
  why.lang = 'en';
  const facts: Fact[] = [[opened ? 'timeOpening' : 'time', duration(now - began)], ...writingFacts(told, began, now)];
  const memory = makeWord('span', '', 'measuring');
  const disk = makeWord('span', '', 'measuring');
  const heap = heapBytes();
  facts.push(['runsOn', make('span', '', name, ' ', why)], ['memory', memory]);
  if (heap !== undefined) facts.push(['heap', megabytes(heap)]);
  facts.push(['stored', disk]);
  showFacts(target, facts);
  fill(memory, measureMemory());
  fill(disk, storedBytes());
}

function writingFacts({ written }: Told, began: number, now: number): readonly Fact[] {
  if (written === undefined || written.firstAt === 0) return [];
  const { tokens, firstAt } = written;
  const first: Fact = ['firstPiece', duration(firstAt - began)];
  if (tokens < 2) return [first];
  // The first token waits for the prompt, and maybe for the graph.
  const rate = ((tokens - 1) / (now - firstAt)) * 1000;
  return [first, ['speed', make('span', '', `${rate.toFixed(0)} `, makeWord('span', '', 'tokensASecond'))]];
}

function fill(target: HTMLElement, bytes: Promise<number | undefined>): void {
  const write = (text: string): void => {
    delete target.dataset['word'];
    target.textContent = text;
  };
  bytes.then(
    found => write(found === undefined ? say('unknown') : megabytes(found)),
    error => write(messageOf(error)),
  );
}

/** Page, workers and WebAssembly; known only with the browser's next garbage collection, up to a minute later. */
async function measureMemory(): Promise<number | undefined> {
  if (!('measureUserAgentSpecificMemory' in performance) || !crossOriginIsolated) return undefined;
  const measure = performance.measureUserAgentSpecificMemory as () => Promise<{ readonly bytes: number }>;
  return (await measure.call(performance)).bytes;
}

/** Chromium's own measure of the page's JavaScript objects. */
function heapBytes(): number | undefined {
  if (!('memory' in performance)) return undefined;
  return (performance.memory as { readonly usedJSHeapSize: number }).usedJSHeapSize;
}

async function storedBytes(): Promise<number | undefined> {
  return (await navigator.storage.estimate()).usage;
}
