/**
 * JSON Lines in, JSON Lines out: one object per line, answers in the order of the questions, `id` carried over. A bad line
 * becomes `{id, error}` on its own line and the others are still answered.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { InputError, IoError, messageOf } from '../core/errors.ts';

/** A parsed line. */
export type JsonLine = Readonly<Record<string, unknown>>;

/** What {@link processJsonLines} needs. */
export interface JsonLinesJob {
  /** Path of a JSON Lines file, or `-` for standard input. */
  readonly input: string;
  /** Answers one item; the result is written with the item's `id`. */
  readonly answer: (item: JsonLine) => Promise<object>;
  /** Items worked on at once, so that an engine can batch them. At least 1. */
  readonly concurrency: number;
  readonly write: (line: string) => void;
  readonly signal: AbortSignal;
}

/** How a job ended. */
export interface JsonLinesSummary {
  readonly items: number;
  readonly failed: number;
}

/**
 * Answers every line of a file. Blank lines are skipped.
 * @throws IoError when the file can't be read; AbortedError's cause when the signal ends the job.
 */
export async function processJsonLines(job: JsonLinesJob): Promise<JsonLinesSummary> {
  const pending: Promise<{ line: string; ok: boolean }>[] = [];
  let items = 0;
  let failed = 0;
  const flushOne = async () => {
    const first = pending.shift();
    if (first === undefined) return;
    const { line, ok } = await first;
    if (!ok) failed++;
    job.write(line);
  };
  let number = 0;
  for await (const text of linesOf(job.input)) {
    number++;
    job.signal.throwIfAborted();
    if (text.trim() === '') continue;
    items++;
    pending.push(answerLine(job, text, number));
    if (pending.length >= job.concurrency) await flushOne();
  }
  while (pending.length > 0) await flushOne();
  return { items, failed };
}

async function answerLine(job: JsonLinesJob, text: string, number: number): Promise<{ line: string; ok: boolean }> {
  let item: JsonLine = {};
  try {
    item = parseLine(text, number);
    const result = await job.answer(item);
    return { line: JSON.stringify({ ...idOf(item), ...result }), ok: true };
  } catch (error) {
    if (job.signal.aborted) throw error;
    return { line: JSON.stringify({ ...idOf(item), error: messageOf(error) }), ok: false };
  }
}

function parseLine(text: string, number: number): JsonLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError({
      what: 'JSON',
      place: `line ${number}`,
      expected: 'one object per line',
      found: messageOf(error),
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError({ what: 'JSON', place: `line ${number}`, expected: 'an object', found: text.slice(0, 60) });
  }
  return value as JsonLine;
}

function idOf(item: JsonLine): { id?: unknown } {
  return item['id'] === undefined ? {} : { id: item['id'] };
}

async function* linesOf(input: string): AsyncGenerator<string> {
  const stream = input === '-' ? process.stdin : createReadStream(input);
  try {
    yield* createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    throw new IoError({ what: 'input', file: input, found: messageOf(error) }, { cause: error });
  }
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
