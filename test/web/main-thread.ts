/**
 * How long a page's main thread is kept busy, from Chromium's own trace of its tasks. Processor time counts rather than
 * the time on the clock, so that whatever else the machine does can't make a task long.
 */
import type { Browser, Page } from 'playwright-core';

/** Categories of the trace: every task of every thread, and marks that pages set. */
const CATEGORIES = ['disabled-by-default-devtools.timeline', 'blink.user_timing'];

/** The mark by which the page's thread is known: other pages have their own tasks. */
const MARK = 'traced';

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of processor time. */
  readonly tdur?: number;
}

/** What a main thread did. */
export interface MainThread {
  /** Milliseconds of processor time of the longest task. */
  readonly longest: number;
  /** Number of tasks: few say that nothing was traced. */
  readonly tasks: number;
}

/** Traces the page's main thread during `work`. */
export async function traceMainThread(browser: Browser, page: Page, work: () => Promise<unknown>): Promise<MainThread> {
  await browser.startTracing(page, { categories: CATEGORIES });
  let trace: Buffer;
  try {
    await page.evaluate(mark => void performance.mark(mark), MARK);
    await work();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents: events }: { traceEvents: TraceEvent[] } = JSON.parse(trace.toString());
  const marked = events.find(({ name }) => name === MARK);
  const tasks = events.filter(({ name, pid, tid }) => name === 'RunTask' && pid === marked?.pid && tid === marked.tid);
  return { longest: Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur)) / 1000, tasks: tasks.length };
}
