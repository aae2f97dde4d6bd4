/**
 * JSON Lines in, JSON Lines out: one object per line, answers in the order of the questions, `id` carried over. A bad line
 * becomes `{id, error}` on its own line and the others are still answered. Several lines are worked on at once, so that a
 * model can batch them, and each result is written as soon as those before it are.
 */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { AbortedError, InputError, IoError, messageOf } from '../core/errors.ts';
import { checkInteger } from '../decode/option-checks.ts';
import type { RunCounts } from '../generation/run-counts.ts';
import { attempt } from '../io/file-access.ts';
import { EXIT, type Flags } from './command.ts';
import { printNotice, printResult } from './terminal.ts';

/** A parsed line. */
export type JsonLine = Readonly<Record<string, unknown>>;

/** Flags of commands that read JSON Lines. */
export const inputFlags = {
  input: { type: 'string', nargs: 1, describe: 'JSON Lines file, or - for standard input' },
  concurrency: { type: 'number', describe: 'lines worked on at once (8; 64 where nothing is generated)' },
} as const satisfies Flags;

/**
 * Lines worked on at once unless told otherwise. Those that generate hold a cache each; the others hold texts, and the more
 * there are to choose from, the less padding a batch of similar length needs.
 */
export const LINES_AT_ONCE = { generating: 8, reading: 64 } as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What {@link processJsonLines} needs. */
export interface JsonLinesJob {
  /** Path of a JSON Lines file, or `-` for standard input. */
  readonly input: string;
  /** Answers one item; the result is written with the item's `id`. */
  readonly answer: (item: JsonLine, signal: AbortSignal) => Promise<object>;
  /** Items worked on at once. At least 1. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Where lines go; standard output by default. */
  readonly write?: (line: string) => void;
}

/** How a job ended. */
export interface JsonLinesSummary {
  readonly items: number;
  readonly failed: number;
}

/** A job on the command line. */
export interface CommandLinesJob extends JsonLinesJob {
  /** The task that answers: what it computed is part of the closing notice. */
  readonly task?: { readonly counts: RunCounts };
  /** `--json`: standard error is for JSON only, so there is no closing notice. */
  readonly json: boolean;
}

/**
 * Answers every line of a file on standard output and says on standard error how long it took and what was computed.
 * @returns the exit code: 1 when a line could not be answered.
 */
export async function answerLines(job: CommandLinesJob): Promise<number> {
  checkInteger('concurrency', job.concurrency, 1);
  const start = performance.now();
  const { items, failed } = await processJsonLines(job);
  if (!job.json && items > 0) printNotice(closingNotice(items, performance.now() - start, job.task?.counts));
  if (failed === 0) return EXIT.done;
  printNotice(`${failed} of ${items} lines could not be answered; see "error" on their lines`);
  return EXIT.failed;
}

/** `240 lines in 3.1 s, 77/s; 61,440 tokens computed, 4.2 % padding`. */
export function closingNotice(lines: number, milliseconds: number, counts?: RunCounts): string {
  const seconds = milliseconds / 1000;
  const rate = lines / seconds;
  const time = `${lines} ${lines === 1 ? 'line' : 'lines'} in ${seconds.toFixed(1)} s, ${rate.toFixed(rate < 10 ? 1 : 0)}/s`;
  if (counts === undefined || counts.paddedRows === 0) return time;
  const padding = (100 * (1 - counts.rows / counts.paddedRows)).toFixed(1);
  return `${time}; ${counts.paddedRows.toLocaleString('en')} tokens computed, ${padding} % padding`;
}

/**
 * Answers every line of a file. Blank lines are skipped.
 * @throws IoError when the file can't be read; AbortedError when the signal ends the job; results before are written.
 */
export async function processJsonLines(job: JsonLinesJob): Promise<JsonLinesSummary> {
  const { signal, write = printResult } = job;
  const underWay: Promise<void>[] = [];
  let written: Promise<void> = Promise.resolve();
  let [items, number, failed] = [0, 0, 0];
  for await (const line of linesOf(job.input, signal)) {
    number++;
    if (line.trim() === '') continue;
    items++;
    const answered = answerLine(job, line, number);
    written = Promise.all([answered, written]).then(([{ line, ok }]) => {
      if (signal.aborted) return;
      if (!ok) failed++;
      write(line);
    });
    underWay.push(written);
    if (underWay.length >= job.concurrency) await underWay.shift();
  }
  await written;
  if (signal.aborted) throw new AbortedError({ what: 'answering lines', file: job.input, found: 'an interrupt' });
  return { items, failed };
}

async function answerLine(job: JsonLinesJob, bytes: string, number: number): Promise<{ line: string; ok: boolean }> {
  let item: JsonLine = {};
  try {
    item = parseLine(bytes, number);
    const result = await job.answer(item, job.signal);
    return { line: JSON.stringify({ ...idOf(item), ...result }), ok: true };
  } catch (error) {
    return { line: JSON.stringify({ ...idOf(item), error: messageOf(error) }), ok: false };
  }
}

function parseLine(bytes: string, number: number): JsonLine {
  const place = `line ${number}`;
  const text = decodeLine(bytes, place);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError({ what: 'JSON', place, expected: 'one object per line', found: messageOf(error) });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError({ what: 'JSON', place, expected: 'an object', found: text.slice(0, 60) });
  }
  return value as JsonLine;
}

function idOf(item: JsonLine): { id?: unknown } {
  return item['id'] === undefined ? {} : { id: item['id'] };
}

/** Refused where Node would put U+FFFD in place: a file in GBK would be answered, but not what was asked. */
function decodeLine(bytes: string, place: string): string {
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch (error) {
    const next = 'Save it as UTF-8.';
    throw new InputError({ what: 'text', place, expected: 'UTF-8', found: messageOf(error), next }, { cause: error });
  }
}

/**
 * The bytes of lines, a character each, to be decoded line by line; a byte order mark is left out. Opened before reading:
 * readline passes no error of its stream on.
 */
async function* linesOf(input: string, signal: AbortSignal): AsyncGenerator<string> {
  const stream: Readable = input === '-' ? process.stdin : await openText(input);
  stream.setEncoding('latin1');
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY, signal });
  let mark = '\xef\xbb\xbf';
  try {
    for await (const line of lines) {
      yield line.startsWith(mark) ? line.slice(mark.length) : line;
      mark = '';
    }
  } finally {
    lines.close();
    stream.destroy();
  }
}

async function openText(file: string): Promise<Readable> {
  const handle = await attempt(file, 'input', () => open(file));
  if ((await handle.stat()).isFile()) return handle.createReadStream();
  await handle.close();
  throw new IoError({ what: 'input', file, expected: 'a file', found: 'a folder or a device' });
}

/** A string field of a line. @throws InputError when it is missing or of another type. */
export function textField(item: JsonLine, name: string): string {
  const value = item[name];
  if (typeof value !== 'string') throw wrongField(name, 'a string', value);
  return value;
}

/** A field that is a list of strings. @throws InputError when it is missing or of another type. */
export function textListField(item: JsonLine, name: string): readonly string[] {
  const value = item[name];
  if (!Array.isArray(value) || !value.every(entry => typeof entry === 'string')) {
    throw wrongField(name, 'a list of strings', value);
  }
  return value;
}

function wrongField(name: string, expected: string, value: unknown): InputError {
  const found = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60);
  return new InputError({ what: `field "${name}"`, expected, found });
}
