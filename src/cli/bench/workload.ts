/**
 * What `bench` asks of a task: how often, how many at once, and texts of which lengths.
 */
import type { Manifest } from '../../core/manifest.ts';
import { type Flags, MisuseError, type Parsed } from '../command.ts';

const MADE_UP = 'Made-up texts, lengths in tokens:';

/** Flags of the texts that are made up when there is no `--input`. */
const madeUpFlags = {
  items: { type: 'number', group: MADE_UP, describe: 'requests of a round (4, or as many as --concurrency)' },
  'text-length': {
    type: 'number',
    group: MADE_UP,
    describe: 'prompt, dialogue, document, special tokens included (128)',
  },
  passages: { type: 'number', group: MADE_UP, describe: 'answer: passages of a question (10)' },
  'passage-length': { type: 'number', group: MADE_UP, describe: 'answer: passage, special tokens included (256)' },
  'question-length': { type: 'number', group: MADE_UP, describe: 'answer: question with its end token (64)' },
  spread: { type: 'number', group: MADE_UP, describe: 'texts and passages may be shorter by up to this share (0)' },
} as const satisfies Flags;

/** Flags that say what is written. */
const writingFlags = {
  'new-tokens': { type: 'number', describe: 'exact number of tokens that are written; masked readers: of masks (32)' },
  beams: { type: 'number', describe: 'beams of whatever writes (1: greedy)' },
  cache: { type: 'string', choices: ['on', 'off'], describe: "cache of whatever writes (as the model's profile says)" },
} as const satisfies Flags;

/** All flags of a workload. */
export const workloadFlags = {
  input: { type: 'string', nargs: 1, describe: 'JSON Lines file of the one --task, instead of made-up texts' },
  concurrency: { type: 'number', default: 1, describe: 'requests in flight' },
  rounds: { type: 'number', default: 5, describe: 'how often all requests are measured' },
  warmup: { type: 'number', default: 1, describe: 'rounds before, which are not measured' },
  ...writingFlags,
  ...madeUpFlags,
} as const satisfies Flags;

/** Flags that only some tasks heed, by name. */
export type TaskFlag = keyof typeof writingFlags | keyof typeof madeUpFlags;

/** The flags that were given; what is undefined is chosen by task and model. */
export type Workload = Parsed<typeof workloadFlags>;

/** The least value of each number; all but `spread` are whole. */
const LEAST = {
  items: 1,
  concurrency: 1,
  rounds: 1,
  warmup: 0,
  newTokens: 1,
  beams: 1,
  textLength: 4,
  passages: 1,
  passageLength: 3,
  questionLength: 2,
} as const;

/** @throws MisuseError for a flag that is out of range, or of no use beside `--input`. */
export function checkWorkload(workload: Workload): void {
  for (const [name, least] of Object.entries(LEAST)) {
    const value = workload[name];
    if (value === undefined || (Number.isInteger(value) && Number(value) >= least)) continue;
    throw new MisuseError({ what: flagName(name), expected: `a whole number from ${least} up`, found: String(value) });
  }
  const { spread = 0, input } = workload;
  if (!(spread >= 0 && spread < 1)) {
    throw new MisuseError({ what: '--spread', expected: 'a share from 0 to below 1', found: String(spread) });
  }
  const unused = input === undefined ? [] : Object.keys(madeUpFlags).filter(name => workload[name] !== undefined);
  if (unused.length === 0) return;
  const found = unused.map(name => `--${name}`).join(', ');
  throw new MisuseError({ what: 'made-up texts', expected: 'no --input beside them', found });
}

/** Flags of tasks that were given. */
export function givenTaskFlags(workload: Workload): readonly string[] {
  return Object.keys({ ...writingFlags, ...madeUpFlags }).filter(name => workload[name] !== undefined);
}

/** @param tasks whose flags are `heeded`, in words. @throws MisuseError for a flag that was given and is not heeded. */
export function checkHeeded(workload: Workload, tasks: string, heeded: readonly TaskFlag[]): void {
  const known: readonly string[] = heeded;
  const unheeded = givenTaskFlags(workload).filter(flag => !known.includes(flag));
  if (unheeded.length === 0) return;
  const list = (names: readonly string[]) => names.map(name => `--${name}`).join(', ');
  throw new MisuseError({ what: `flags for ${tasks}`, expected: `only ${list(known)}`, found: list(unheeded) });
}

/** A length and how it was come by. */
export interface WantedLength {
  readonly flag: TaskFlag;
  readonly given: number | undefined;
  /** Taken when none was given and the model has room for it. */
  readonly wanted: number;
  /** Tokens that the model's positions leave. */
  readonly room: number;
}

/** The length as given, or as much of the wanted one as there is room for. @throws MisuseError when there is too little. */
export function lengthOf({ flag, given, wanted, room }: WantedLength): number {
  const least = Object.entries(LEAST).find(([name]) => flagName(name) === `--${flag}`)?.[1] ?? 1;
  const length = given ?? Math.min(wanted, room);
  if (length >= least && length <= room) return length;
  const next = 'Ask for shorter texts or fewer new tokens.';
  const found = given === undefined ? 'nothing left' : String(given);
  const expected = `${least} to ${room}, what the model's positions leave`;
  throw new MisuseError({ what: `--${flag}`, expected: room < least ? `room for ${least}` : expected, found, next });
}

/** Longest sequence of a model. */
export function positionsOf({ dimensions }: Manifest): number {
  return dimensions.maxPositions ?? Number.POSITIVE_INFINITY;
}

function flagName(property: string): string {
  return `--${property.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
}
