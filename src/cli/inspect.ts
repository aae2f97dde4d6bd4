/**
 * `bert4ort inspect`: what a checkpoint or a model directory holds. With a configuration it says which architectures fit;
 * with `--plan` it prints the weight map both ways, the tool for finding out why a checkpoint does not convert.
 */
import path from 'node:path';
import {
  type ArchitectureFit,
  type Checkpoint,
  guessArchitecture,
  type JsonObject,
  type ModelPlan,
  openCheckpoint,
  planModel,
  readConfiguration,
  withTensors,
} from '../../converters/index.ts';
import { bytesPerElement, elementCount } from '../core/dtype.ts';
import { MANIFEST_FILE } from '../core/manifest.ts';
import { statIfAny } from '../io/file-access.ts';
import { splitPath } from '../io/file-source.ts';
import { keywordFlags, keywordsOf } from './build-keywords.ts';
import { type Command, EXIT, type Flags, jsonFlag, MisuseError, type Parsed } from './command.ts';
import { inspectModel } from './inspect-model.ts';
import { readBytes } from './read-input.ts';
import { formatList, formatTable, printResult } from './terminal.ts';

const { model: _model, ...otherKeywords } = keywordFlags;

const flags = {
  config: {
    type: 'string',
    describe: 'bert_config.json (model.config of a cloze reader): also say which architectures fit',
  },
  plan: { type: 'string', describe: 'architecture: print which weight comes from which tensor, both ways' },
  ...otherKeywords,
  ...jsonFlag,
} as const satisfies Flags;

type Options = Parsed<typeof flags>;

/** The command. */
export const inspectCommand: Command<typeof flags> = {
  command: 'inspect <path>',
  describe: 'Show what a checkpoint or a model directory holds',
  flags,
  examples: [
    ['$0 inspect best_model.weights', 'names, types and shapes, whatever the format'],
    ['$0 inspect model.ckpt --config config.json', 'and the architectures that fit, best first'],
    ['$0 inspect model.ckpt --config config.json --plan nezha --with-mlm', 'and the weight map'],
  ],
  run: runInspect,
};

async function runInspect(options: Options): Promise<number> {
  const place = String(options['path']);
  if (await isModelDirectory(place)) {
    const given = ['config', 'plan'].filter(name => options[name] !== undefined);
    if (given.length > 0) throw notForModels(given);
    await inspectModel(place, options.json);
    return EXIT.done;
  }
  const { files, name } = await splitPath(place);
  const checkpoint = await openCheckpoint(files, name);
  try {
    return await inspectCheckpoint(checkpoint, options);
  } finally {
    await checkpoint.close();
  }
}

/** What is said about a checkpoint. */
interface Findings {
  readonly checkpoint: Checkpoint;
  readonly fits?: readonly ArchitectureFit[];
  readonly plan?: ModelPlan;
}

async function inspectCheckpoint(checkpoint: Checkpoint, options: Options): Promise<number> {
  const findings = await findOut(checkpoint, options);
  printResult(options.json ? JSON.stringify(findingsJson(findings)) : findingsText(findings));
  return (findings.plan?.allowed.length ?? 0) > 0 ? EXIT.failed : EXIT.done;
}

async function findOut(checkpoint: Checkpoint, options: Options): Promise<Findings> {
  const keywords = await keywordsOf({ ...options, model: options.plan });
  if (options.config === undefined) {
    if (Object.keys(keywords).length === 0) return { checkpoint };
    throw new MisuseError({ what: '--plan and keywords', expected: 'a configuration beside them: --config FILE' });
  }
  const { config, tensors } = readConfiguration(await readBytes(options.config), options.config);
  const all = withTensors(checkpoint, tensors);
  if (options.plan === undefined) return { checkpoint, fits: guessArchitecture(all, config) };
  // Planned with permission to be wrong: the problems are what the user wants to see, and the exit code tells.
  const plan = planModel(all, { config, keywords: { ...keywords, ignore_invalid_weights: true } });
  return { checkpoint, plan };
}

function findingsText({ checkpoint, fits, plan }: Findings): string {
  const parts = plan === undefined ? [tensorTable(checkpoint)] : planText(plan);
  const facts = Object.entries(checkpoint.about).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  const sizes = [...checkpoint.tensors.values()].map(tensor => elementCount(tensor.shape));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return [
    `${checkpoint.name}: ${[checkpoint.format, ...facts].join(', ')}`,
    ...parts,
    `${checkpoint.tensors.size} tensors, ${total.toLocaleString('en')} elements`,
    ...formatList(
      'set aside',
      [...checkpoint.skipped].map(([name, why]) => `${name}: ${why}`),
    ),
    ...(fits === undefined ? [] : [fitTable(fits)]),
  ].join('\n');
}

function tensorTable({ tensors }: Checkpoint): string {
  const rows = [...tensors.values()].map(({ name, dtype, shape }) => {
    const bytes = elementCount(shape) * bytesPerElement(dtype);
    return [name, dtype, `[${shape.join(', ')}]`, bytes.toLocaleString('en')];
  });
  return formatTable(['tensor', 'type', 'shape', 'bytes'], rows);
}

function fitTable(fits: readonly ArchitectureFit[]): string {
  const rows = fits.map(({ keywords, scheme, problems, unused }) => [
    keywordText(keywords),
    scheme,
    problems === 0 ? 'fits' : `${problems} ${problems === 1 ? 'problem' : 'problems'}`,
    unused,
  ]);
  return formatTable(['options of convert', 'names', 'weights', 'tensors left over'], rows);
}

function planText(plan: ModelPlan): string[] {
  const rows = mapRows(plan).map(({ weight, shape, from, tensor }) => [
    weight,
    `[${shape.join(', ')}]`,
    tensor ?? `(${from})`,
  ]);
  return [
    `${plan.architecture.name}, ${plan.naming.label}`,
    formatTable(['weight of the graph', 'shape', 'tensor of the checkpoint'], rows),
    ...formatList('read by no weight', plan.unused),
    ...formatList('problems', plan.allowed),
  ];
}

function mapRows(plan: ModelPlan) {
  return plan.weights.map(({ weight, shape, source }) => ({
    weight,
    shape,
    from: source.kind === 'initial' ? 'missing' : source.kind,
    tensor: source.kind === 'stored' ? source.tensor.name : null,
  }));
}

function findingsJson({ checkpoint, fits, plan }: Findings): object {
  const tensors = [...checkpoint.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  return {
    checkpoint: checkpoint.name,
    format: checkpoint.format,
    about: checkpoint.about,
    tensors,
    skipped: Object.fromEntries(checkpoint.skipped),
    ...(fits === undefined ? {} : { fits }),
    ...(plan === undefined ? {} : { plan: planJson(plan) }),
  };
}

function planJson(plan: ModelPlan): object {
  const { architecture, naming, unused, allowed } = plan;
  return { architecture: architecture.name, scheme: naming.label, weights: mapRows(plan), unused, problems: allowed };
}

/** `{model: 'bert', with_mlm: true}` → `--model bert --with-mlm`. */
function keywordText(keywords: JsonObject): string {
  const flag = ([name, value]: [string, unknown]) =>
    `--${name.replaceAll('_', '-')}${value === true ? '' : ` ${value}`}`;
  return Object.entries(keywords).map(flag).join(' ');
}

async function isModelDirectory(place: string): Promise<boolean> {
  const facts = await statIfAny(path.join(place, MANIFEST_FILE));
  return facts?.isFile() ?? false;
}

function notForModels(given: readonly string[]): MisuseError {
  return new MisuseError({ what: given.map(name => `--${name}`).join(', '), found: 'a model directory to inspect' });
}
