/**
 * `bert4ort verify`: is this model directory whole, do its graphs run here and agree with each other, and does it compute
 * what the reference computed? Exit code 1 when any answer is no.
 */
import type { FileEntry } from '../core/manifest.ts';
import { loadModel, type Model } from '../node.ts';
import { type Command, EXIT, type Flags, jsonFlag, type Parsed } from './command.ts';
import { deviceFlags, sessionOptions } from './device-flags.ts';
import type { GraphReport } from './doctor-report.ts';
import { checkAgreement } from './graph-agreement.ts';
import { placeGraphs, strayLines } from './place-graphs.ts';
import { type RecordedCase, readCase } from './recorded-case.ts';
import { replayDecodes } from './replay-decodes.ts';
import { replayRuns } from './replay-runs.ts';
import { formatTable, printResult } from './terminal.ts';
import { writeHashes } from './write-hashes.ts';

const flags = {
  cases: { type: 'string', array: true, default: [], describe: 'recordings of the reference to replay (case.json)' },
  'write-hashes': {
    type: 'boolean',
    default: false,
    describe: 'when all is well, record the SHA-256 of weights that have none',
  },
  ...deviceFlags,
  ...jsonFlag,
} as const satisfies Flags;

type Options = Parsed<typeof flags>;

/** One thing that was checked. */
interface Check {
  readonly what: string;
  readonly found: string;
  readonly pass: boolean;
}

/** The command. */
export const verifyCommand: Command<typeof flags> = {
  command: 'verify <model>',
  describe: 'Check a model directory: files, graphs, and recordings of the reference',
  flags,
  examples: [
    ['$0 verify models/qa', "hashes, device, and whether the model's two graphs agree"],
    ['$0 verify models/qa --write-hashes', 'and put hashes of the weights into the manifest, before publishing it'],
    ['$0 verify models/qa --device webgpu', 'and which nodes stay on the CPU'],
    ['$0 verify models/tiny --cases tiny/case.json', 'and every element of the recorded outputs'],
  ],
  run: runVerify,
};

async function runVerify(options: Options, signal: AbortSignal): Promise<number> {
  const cases: RecordedCase[] = [];
  for (const file of options.cases) cases.push(await readCase(file));
  const directory = String(options['model']);
  const session = sessionOptions(options);
  const model = await loadModel(directory, { verify: true, signal, session });
  try {
    const graphs = onGpu(options) ? await placeGraphs(directory, model.manifest, session) : [];
    const checks = [
      filesCheck(model),
      await deviceCheck(model),
      ...graphs.map(placementCheck),
      ...(await agreementChecks(model)),
    ];
    for (const recorded of cases) {
      signal.throwIfAborted();
      checks.push(...(await caseChecks(model, recorded)));
    }
    if (options.writeHashes && checks.every(check => check.pass)) checks.push(await hashesCheck(directory, model));
    report({ checks, graphs }, options);
    return checks.every(check => check.pass) ? EXIT.done : EXIT.failed;
  } finally {
    await model.dispose();
  }
}

/** Loading with `verify` has compared them; a difference has ended the command with its own message. */
function filesCheck({ manifest }: Model): Check {
  const entries = Object.values(manifest.graphs).flatMap((graph): FileEntry[] => [graph, ...graph.data]);
  const names = (hashed: boolean) =>
    entries.filter(({ sha256 }) => (sha256 !== undefined) === hashed).map(({ file }) => file);
  const [compared, sizeOnly] = [new Set(names(true)), new Set(names(false))];
  const rest = sizeOnly.size === 0 ? '' : `; by size only: ${[...sizeOnly].join(', ')}`;
  return { what: 'files', found: `SHA-256 as converted: ${[...compared].join(', ')}${rest}`, pass: true };
}

async function hashesCheck(directory: string, { manifest }: Model): Promise<Check> {
  const files = await writeHashes(directory, manifest);
  return {
    what: 'hashes',
    found: files.length === 0 ? 'all there already' : `recorded: ${files.join(', ')}`,
    pass: true,
  };
}

async function deviceCheck(model: Model): Promise<Check> {
  const { device } = await model.openGraph('model');
  return { what: 'device', found: `${device.device}: ${device.reason}`, pass: true };
}

async function agreementChecks(model: Model): Promise<Check[]> {
  const agreement = await checkAgreement(model);
  if (agreement === undefined) return [];
  const { graph, absolute, tokens, pass } = agreement;
  return [{ what: `${graph} against model`, found: `${absolute.toExponential(1)} apart over ${tokens} tokens`, pass }];
}

async function caseChecks(model: Model, recorded: RecordedCase): Promise<Check[]> {
  const runs = await replayRuns(model, recorded);
  const decodes = await replayDecodes(model, recorded.decodes);
  return [
    ...runs.map(({ what, absolute, relative, pass }) => {
      const found = `max abs ${absolute.toExponential(1)}, max rel ${relative.toExponential(1)}`;
      return { what: `${recorded.file} ${what}`, found, pass };
    }),
    ...decodes.map(({ what, expected, found, pass }) => {
      const text = pass ? `${found.length} ids, the same` : `${found.join(' ')} instead of ${expected.join(' ')}`;
      return { what: `${recorded.file} ${what}`, found: text, pass };
    }),
  ];
}

/** Where the CPU was asked for, nothing can be anywhere else. */
function onGpu({ device }: Options): boolean {
  return device !== 'auto' && device !== 'cpu';
}

/** Nodes elsewhere are slower and not wrong, so they are listed and fail nothing. */
function placementCheck({ graph, placements, strays, problem }: GraphReport): Check {
  const total = placements.reduce((sum, { nodes }) => sum + nodes, 0);
  const numbers = strays.filter(({ output }) => output === 'numbers').length;
  const counts = `${total - strays.length} of ${total} there; elsewhere ${numbers} of numbers, ${strays.length - numbers} of shapes and masks`;
  return { what: `nodes of ${graph}`, found: problem ?? counts, pass: problem === null };
}

interface Findings {
  readonly checks: readonly Check[];
  /** Empty on the CPU. */
  readonly graphs: readonly GraphReport[];
}

function report({ checks, graphs }: Findings, { json, device }: Options): void {
  const passed = checks.filter(check => check.pass).length;
  if (json) {
    const strays = Object.fromEntries(graphs.map(({ graph, strays }) => [graph, strays]));
    printResult(JSON.stringify({ passed, failed: checks.length - passed, checks, strays }));
    return;
  }
  const rows = checks.map(({ what, found, pass }) => [pass ? 'pass' : 'FAIL', what, found]);
  printResult(
    [
      formatTable(['', 'check', 'found'], rows),
      ...graphs.flatMap(graph => strayLines(graph, device)),
      `${passed} passed, ${checks.length - passed} failed`,
    ].join('\n'),
  );
}
