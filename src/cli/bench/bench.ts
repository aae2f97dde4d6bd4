/**
 * `bert4ort bench`: what a model does on this machine, cold and warm, for each task that it serves.
 */
import { Bert4ortError, ConfigError, InputError, messageOf } from '../../core/errors.ts';
import { VERSION } from '../../core/version.ts';
import { loadModel, type Model } from '../../node.ts';
import { describeMachine } from '../../session/diagnosis/machine.ts';
import { findOrtPackage } from '../../session/diagnosis/ort.ts';
import { type Command, EXIT, type Flags, jsonFlag, MisuseError, type Parsed } from '../command.ts';
import { loadOptions, runFlags } from '../device-flags.ts';
import { type JsonLine, processJsonLines } from '../json-lines.ts';
import { printNotice, printResult } from '../terminal.ts';
import { measureTask } from './measure.ts';
import { withoutSessions } from './model.ts';
import { argumentsOf, benchInProcess } from './process.ts';
import type { BenchReport } from './report.ts';
import { benchText } from './report-text.ts';
import type { BenchTask } from './task.ts';
import { BENCH_TASKS } from './tasks.ts';
import { checkHeeded, checkWorkload, givenTaskFlags, workloadFlags } from './workload.ts';

const flags = {
  task: {
    type: 'string',
    array: true,
    choices: Object.keys(BENCH_TASKS),
    describe: 'tasks to measure, each in a process of its own (all that the model can serve)',
  },
  ...workloadFlags,
  ...runFlags,
  ...jsonFlag,
} as const satisfies Flags;

type Options = Parsed<typeof flags>;

/** The command. */
export const benchCommand: Command<typeof flags> = {
  command: 'bench <model>',
  describe: 'Measure a model on this machine: latency, tokens per second, memory, padding',
  flags,
  examples: [
    ['$0 bench models/qa --task answer', 'ten passages of 256 tokens, one question at a time'],
    [
      '$0 bench models/gpt2 --task complete --new-tokens 64 --concurrency 8',
      'eight prompts at once, 64 new tokens each',
    ],
    ['$0 bench models/bert --task embed --input texts.jsonl --concurrency 64', 'your own texts, with their padding'],
  ],
  run: runBench,
};

async function runBench(options: Options, signal: AbortSignal): Promise<number> {
  checkWorkload(options);
  const [task, ...others] = new Set(options.task);
  // One task is measured here, where nothing has been loaded yet.
  const report =
    task !== undefined && others.length === 0
      ? await measureHere(task, options, signal)
      : await measureApart(options, signal);
  printResult(options.json ? JSON.stringify(report) : benchText(report));
  return EXIT.done;
}

async function measureHere(name: string, options: Options, signal: AbortSignal): Promise<BenchReport> {
  const directory = String(options['model']);
  const task = BENCH_TASKS[name];
  if (task === undefined) throw new MisuseError({ what: '--task', found: name });
  const { input } = options;
  const lines = input === undefined ? undefined : await readLines(input, signal);
  try {
    const measurement = { name, task, directory, loading: loadOptions(options), workload: options, lines, signal };
    const { architecture, ...figures } = await measureTask(measurement);
    return reportOf(directory, architecture, [figures]);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    await requireServed([name], options);
    throw error;
  }
}

async function measureApart(options: Options, signal: AbortSignal): Promise<BenchReport> {
  const directory = String(options['model']);
  const { served, model } = await requireServed(options.task, options);
  const rest = argumentsOf(options, flags, ['task', 'json', ...givenTaskFlags(options)]);
  const tasks: BenchReport['tasks'][number][] = [];
  for (const [name, task] of served) {
    if (!options.json) printNotice(`measuring ${name} …`);
    const heeded = task.flags(model.manifest).filter(flag => givenTaskFlags(options).includes(flag));
    const own = heeded.map(flag => `--${flag}=${options[flag]}`);
    const report = await benchInProcess([directory, '--task', name, ...rest, ...own], signal);
    tasks.push(...report.tasks);
  }
  return reportOf(directory, model.manifest.architecture, tasks);
}

function reportOf(model: string, architecture: string, tasks: BenchReport['tasks']): BenchReport {
  const onnxruntimeNode = findOrtPackage()?.version ?? null;
  return { bert4ort: VERSION, onnxruntimeNode, machine: describeMachine(), model, architecture, tasks };
}

/** The tasks that are asked for, or all that the model can serve, with the model as far as its manifest goes. */
async function requireServed(names: readonly string[] | undefined, options: Options) {
  const model = await loadModel(String(options['model']));
  const served = new Map<string, BenchTask>();
  const refusals: string[] = [];
  for (const [name, task] of Object.entries(BENCH_TASKS)) {
    const refusal = await refusalOf(task, model);
    if (refusal === undefined) served.set(name, task);
    else if (names?.includes(name)) refusals.push(`${name} (${refusal})`);
  }
  const able = [...served.keys()].join(', ');
  if (refusals.length > 0 || served.size === 0) {
    const expected =
      able === '' ? 'a task that the model can serve; there is none' : `one that the model can serve: ${able}`;
    throw new MisuseError({ what: '--task', expected, found: refusals.join(', ') || 'none' });
  }
  const asked = new Map([...served].filter(([name]) => names?.includes(name) ?? true));
  checkAsked(asked, model, options);
  return { served: asked, model };
}

/** Why a model can't serve a task; undefined when it can. Nothing but the manifest and the vocabulary is read. */
async function refusalOf(task: BenchTask, model: Model): Promise<string | undefined> {
  try {
    await task.open(withoutSessions(model), {});
    return undefined;
  } catch (error) {
    if (!(error instanceof Bert4ortError)) throw error;
    return messageOf(error);
  }
}

/** @throws MisuseError for a flag that none of the tasks heeds, and for one input for several tasks. */
function checkAsked(asked: ReadonlyMap<string, BenchTask>, { manifest }: Model, options: Options): void {
  const names = [...asked.keys()].join(', ');
  if (options.input !== undefined && asked.size > 1) {
    throw new MisuseError({ what: '--input', expected: 'the one --task that its lines are for', found: names });
  }
  checkHeeded(options, names, [...new Set([...asked.values()].flatMap(task => task.flags(manifest)))]);
}

/** All lines of a file. @throws InputError for the first that is no object, and for a file without any. */
async function readLines(input: string, signal: AbortSignal): Promise<readonly JsonLine[]> {
  const lines: JsonLine[] = [];
  const answer = async (line: JsonLine) => {
    lines.push(line);
    return {};
  };
  const errors: string[] = [];
  const write = (line: string) => {
    const { error } = JSON.parse(line);
    if (error !== undefined) errors.push(error);
  };
  await processJsonLines({ input, answer, concurrency: 1, signal, write });
  const [error] = errors;
  if (error === undefined && lines.length > 0) return lines;
  throw new InputError({ what: 'lines to measure', file: input, expected: 'one or more', found: error ?? 'none' });
}
