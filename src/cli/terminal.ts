/**
 * What the commands print besides results: progress bars, notices and tables. Results go to standard output, everything
 * else to standard error, and bars appear only on a terminal.
 */
import cliProgress from 'cli-progress';
import Table from 'cli-table3';
import type { ProgressListener } from '../core/progress.ts';

/** Writes one result to standard output. */
export function printResult(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes a remark to standard error. */
export function printNotice(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A progress listener with a bar per file on a terminal, and silence elsewhere; `stop` removes the bars. */
export function progressBars(enabled: boolean): { readonly listener: ProgressListener; readonly stop: () => void } {
  if (!enabled || !process.stderr.isTTY) return { listener: () => undefined, stop: () => undefined };
  const format = '{file} {bar} {percentage}% {mebibytes} MiB';
  const bars = new cliProgress.MultiBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true });
  const open = new Map<string, cliProgress.SingleBar>();
  const listener: ProgressListener = event => {
    if (event.status === 'progress') {
      const bar = open.get(event.file) ?? bars.create(event.total, 0, { file: event.file, mebibytes: '0' });
      open.set(event.file, bar);
      bar.update(event.loaded, { mebibytes: (event.loaded / 2 ** 20).toFixed(0) });
    } else if (event.status === 'done') {
      const bar = open.get(event.file);
      bar?.update(bar.getTotal());
    }
  };
  return { listener, stop: () => bars.stop() };
}

/** A table for people to read; cells are aligned by display width, which counts CJK characters as two. */
export function formatTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const table = new Table({
    head: [...head],
    // No rule between rows: long lists stay short and can be searched by eye.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    style: { head: [], border: [] },
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  for (const row of rows) table.push(row.map(cell => String(cell)));
  return table.toString();
}

/** A titled list of lines; nothing at all where there are none. */
export function formatList(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title} (${lines.length}):`, ...lines.map(line => `  ${line}`)];
}
