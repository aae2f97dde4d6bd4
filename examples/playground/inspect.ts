/**
 * What files hold, before anything is converted: format, sizes, the models and presets that fit, what is missing, and
 * what could be asked of the result. Runs in the worker: fitting all architectures to a large checkpoint takes a while.
 */
import {
  type ArchitectureFit,
  Bert4ortError,
  bytesPerElement,
  type Checkpoint,
  elementCount,
  guessArchitecture,
  type JsonObject,
  listPresets,
  type Manifest,
  type ModelPlan,
  openCheckpoint,
  outputNames,
  type Preset,
  planModel,
  readConfiguration,
  withTensors,
} from '../../converters/index.ts';
import { blobSet } from '../../src/web.ts';
import type { ModelFiles, NamedBlob } from './models.ts';
import { APPLICATIONS, convertOptions, type Settings } from './settings.ts';
import { type TaskName, taskNames } from './task-names.ts';

/** What was found. */
export interface Inspection {
  readonly format: string;
  readonly tensors: number;
  readonly elements: number;
  readonly bytes: number;
  /** Optimizer slots and the like, which no model reads. */
  readonly skipped: number;
  /** Absent without a configuration. */
  readonly fit?: Fit;
}

/** How configuration and checkpoint go together. */
export interface Fit {
  /** Models by how well they fit, best first. */
  readonly models: readonly ArchitectureFit[];
  /** Presets for which nothing is missing. */
  readonly presets: readonly Pick<Preset, 'name' | 'describe'>[];
  /** Applications that the chosen model can have. */
  readonly applications: readonly Settings['application'][];
  /** Whether the model has settings for texts that it writes: end token and length. */
  readonly writes: boolean;
  /** The choices, those that the user left open filled in. */
  readonly settings: Settings;
  readonly plan: PlanSummary;
}

/** The model that the choices would give. */
export interface PlanSummary {
  readonly architecture: string;
  readonly application: string;
  readonly scheme: string;
  readonly dimensions: Manifest['dimensions'];
  readonly tasks: readonly TaskName[];
  /** The configuration has a vocabulary of its own. */
  readonly hasWords: boolean;
  readonly unused: readonly string[];
  /** Weights that are missing or of another shape. */
  readonly problems: readonly string[];
}

/** What a user has chosen so far. */
export type Choices = Partial<Settings>;

/** @throws FormatError, IoError for files that can't be read; ConfigError for a configuration that suits no model. */
export async function inspectFiles(files: ModelFiles, choices: Choices): Promise<Inspection> {
  const name = choices.checkpoint ?? files.checkpointNames[0] ?? '';
  const checkpoint = await openCheckpoint(blobSet(files.checkpoint), name);
  try {
    const { config } = files;
    const found = summarise(checkpoint);
    return config === undefined ? found : { ...found, fit: await fitOf({ ...files, config }, checkpoint, choices) };
  } finally {
    await checkpoint.close();
  }
}

function summarise({ format, tensors, skipped }: Checkpoint): Inspection {
  const sizes = [...tensors.values()].map(({ dtype, shape }) => {
    const elements = elementCount(shape);
    return { elements, bytes: elements * bytesPerElement(dtype) };
  });
  return {
    format,
    tensors: tensors.size,
    elements: sizes.reduce((sum, { elements }) => sum + elements, 0),
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    skipped: skipped.size,
  };
}

async function fitOf(
  files: ModelFiles & { readonly config: NamedBlob },
  opened: Checkpoint,
  choices: Choices,
): Promise<Fit> {
  const described = readConfiguration(new Uint8Array(await files.config.blob.arrayBuffer()));
  const checkpoint = withTensors(opened, described.tensors);
  const models = guessArchitecture(checkpoint, described.config);
  const plan = (keywords: JsonObject) =>
    planModel(checkpoint, { config: described.config, keywords: { ...keywords, ignore_invalid_weights: true } });
  const [best] = models;
  const keywords = choices.keywords ?? best?.keywords ?? { model: 'bert' };
  const base = plan(keywords).facts.application;
  const applications = base === 'encoder' && keywords['with_mlm'] === true ? APPLICATIONS : [base];
  const application = applications.find(one => one === choices.application) ?? base;
  const { endToken = '', maxLen = 0, preset = '' } = choices;
  const settings = { checkpoint: opened.name, preset, keywords, application, endToken, maxLen };
  const chosen = await convertOptions(files, settings);
  const presets: Pick<Preset, 'name' | 'describe'>[] = [];
  for (const { name, describe, tokenizer } of listPresets()) {
    const { kind } = tokenizer ?? { kind: 'words' };
    if (kind !== vocabularyKind(files, described.tokenizer !== undefined)) continue;
    const options = () => convertOptions(files, { ...settings, preset: name });
    if (await fits(async () => plan((await options()).keywords))) presets.push({ name, describe });
  }
  const hasWords = described.tokenizer !== undefined;
  const tasks = Object.keys(chosen.tasks ?? {});
  const writes = tasks.length > 0;
  return { models, presets, applications, writes, settings, plan: summary(plan(chosen.keywords), tasks, hasWords) };
}

function vocabularyKind({ vocab }: ModelFiles, hasWords: boolean): string {
  if (hasWords) return 'words';
  return vocab?.name.endsWith('.model') ? 'sentencepiece' : 'wordpiece';
}

/** Whether a plan has no problems; one that is refused, for its keywords or for the vocabulary, has. */
async function fits(plan: () => Promise<ModelPlan>): Promise<boolean> {
  try {
    return (await plan()).allowed.length === 0;
  } catch (error) {
    if (error instanceof Bert4ortError) return false;
    throw error;
  }
}

function summary(plan: ModelPlan, settings: readonly string[], hasWords: boolean): PlanSummary {
  const { architecture, facts, naming } = plan;
  const outputs = outputNames(plan);
  const { attention } = facts;
  return {
    architecture: architecture.name,
    application: facts.application,
    scheme: naming.label,
    dimensions: facts.dimensions,
    tasks: taskNames({ attention, outputs, graphs: facts.graphs, settings }),
    hasWords,
    unused: plan.unused,
    problems: plan.allowed,
  };
}
