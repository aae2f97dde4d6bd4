/**
 * From a configuration, the keywords of `build_transformer_model` and the names in a checkpoint to a complete plan: which
 * architecture, which weight comes from where, what the graphs will look like. No tensor is read.
 */
import {
  type AnyArchitecture,
  type JsonObject,
  type LayerSpec,
  type ModelFacts,
  weightName,
} from '../onnx-graphs/architecture.ts';
import { architectures } from '../onnx-graphs/architectures/index.ts';
import { GraphBuilder } from '../onnx-graphs/onnx/graph-builder.ts';
import { ConfigError } from '../src/core/errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readKeywords } from './keywords.ts';
import { recogniseNaming } from './naming/index.ts';
import type { Naming } from './naming/naming.ts';
import { foundShapes, misshapen, reconcile, type WeightMatch, type WeightProblem } from './reconcile.ts';
import { describeProblem, weightsError } from './reconciliation-report.ts';
import { changedSize, parseVocabularyChange, requireKnownIds, type VocabularyChange } from './vocabulary-change.ts';

/** What a model is made of, before a byte of its weights is read. */
export interface ModelPlan {
  readonly architecture: AnyArchitecture;
  /** The architecture's configuration, with the sizes that the checkpoint decided. */
  readonly config: unknown;
  readonly facts: ModelFacts;
  readonly naming: Naming;
  readonly weights: readonly WeightMatch[];
  /** `keep_tokens` and `compound_tokens` as given. */
  readonly vocabulary?: VocabularyChange;
  /** The same where it still has to be applied: a Keras file holds final rows already. */
  readonly pending?: VocabularyChange;
  /** Tensors that were passed over, as the reference passes over them. */
  readonly unused: readonly string[];
  /** Problems that `ignore_invalid_weights` allowed, one line each. */
  readonly allowed: readonly string[];
}

/** What a plan is made from. */
export interface PlanOptions {
  /** The parsed `bert_config.json`. */
  readonly config: JsonObject;
  /** Keywords of `build_transformer_model` in their Python spelling; `model` is required. */
  readonly keywords: JsonObject;
}

/**
 * Plans a model.
 * @throws ConfigError listing everything wrong with configuration and keywords; WeightsError listing every weight that is
 * missing, misshapen or unused, unless `ignore_invalid_weights` is set.
 */
export function planModel(checkpoint: Checkpoint, { config, keywords }: PlanOptions): ModelPlan {
  const architecture = architectureNamed(keywords['model']);
  const { settings, vocabulary, planned } = readAll(architecture, config, keywords);
  const layers = architecture.layers(planned);
  const naming = recogniseNaming(checkpoint, { architecture: architecture.name, layers, ...settings });
  const first = reconcile(layers, checkpoint, naming);
  const pending = naming.final ? undefined : vocabulary;
  const final = withFinalShapes(first.matches, pending);
  const adopted = architecture.adoptShapes(planned, foundShapes(final));
  const problems = [
    ...first.problems,
    ...(naming.final ? unlikeVocabulary(first.matches, vocabulary) : []),
    ...misshapen(architecture.layers(adopted), final),
  ];
  if (problems.length > 0 && !settings.ignoreInvalidWeights) {
    throw weightsError(problems, { file: checkpoint.name, scheme: naming.label, config: { ...config, ...keywords } });
  }
  return {
    architecture,
    config: adopted,
    facts: architecture.describe(adopted),
    naming,
    weights: withoutProblems(first.matches, problems, architecture.layers(adopted)),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(pending === undefined ? {} : { pending }),
    unused: first.extra,
    allowed: problems.map(problem => describeProblem(problem, { ...config, ...keywords })),
  };
}

/** Names of what the whole forward pass of a plan puts out: `last_hidden_state`, `logits`, … */
export function outputNames({ architecture, config }: ModelPlan): string[] {
  const graph = new GraphBuilder('model');
  architecture.graphs.model(graph, config);
  return graph.plan().outputs.map(({ name }) => name);
}

/** In any case, as the reference takes it. */
function architectureNamed(model: unknown): AnyArchitecture {
  const name = typeof model === 'string' ? model.toLowerCase() : '';
  const architecture = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (architecture !== undefined) return architecture;
  const expected = `one of ${Object.keys(architectures).join(', ')}`;
  const found = model === undefined ? 'none' : JSON.stringify(model);
  throw new ConfigError({ what: 'keyword model', expected, found, next: '`bert4ort inspect` says which of them fit.' });
}

/** Reads keywords and configuration; what is wrong with any of them comes out in one error. */
function readAll(architecture: AnyArchitecture, config: JsonObject, keywords: JsonObject) {
  const errors: ConfigError[] = [];
  const settings = attempt(errors, () => readKeywords(keywords, config));
  const { keep_tokens, compound_tokens } = { ...config, ...keywords };
  const vocabulary = attempt(errors, () => parseVocabularyChange(keep_tokens, compound_tokens));
  const planned = attempt(errors, () => architecture.parseConfig(config, keywords));
  const [only, ...others] = errors;
  if (only !== undefined && others.length === 0) throw only;
  if (settings === undefined || errors.length > 0) {
    throw new ConfigError({ what: 'configuration', found: errors.map(error => error.message).join('; ') });
  }
  return { settings, vocabulary, planned };
}

function attempt<T>(errors: ConfigError[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    errors.push(error);
    return undefined;
  }
}

/** Matches with the shapes that their weights have once the vocabulary has been changed. */
function withFinalShapes(matches: readonly WeightMatch[], change: VocabularyChange | undefined): WeightMatch[] {
  return matches.map(match => {
    const axis = match.slot.vocabularyAxis;
    if (change === undefined || axis === undefined || match.source.kind !== 'stored') return match;
    requireKnownIds(change, match.shape[axis] ?? 0);
    const shape = match.shape.map((size, at) => (at === axis ? changedSize(change, size) : size));
    return { ...match, shape };
  });
}

/** Weights of a Keras file that do not have the rows that `keep_tokens` and `compound_tokens` leave. */
function unlikeVocabulary(matches: readonly WeightMatch[], change: VocabularyChange | undefined): WeightProblem[] {
  return matches.flatMap(({ weight, slot, shape, source }): WeightProblem[] => {
    const axis = slot.vocabularyAxis;
    if (change?.keepTokens === undefined || axis === undefined || source.kind !== 'stored') return [];
    const rows = changedSize(change, 0);
    if (shape[axis] === rows) return [];
    const { name, dtype } = source.tensor;
    const expected = shape.map((size, at) => (at === axis ? rows : size));
    return [{ kind: 'misshapen', weight, name, dtype, expected, found: shape }];
  });
}

/** Weights with a problem get Keras' initial values, in the shapes of the final plan. */
function withoutProblems(
  matches: readonly WeightMatch[],
  problems: readonly WeightProblem[],
  layers: readonly LayerSpec[],
): WeightMatch[] {
  const shapes = new Map(
    layers.flatMap(layer => layer.slots.map(slot => [weightName(layer.name, slot.slot), slot.shape] as const)),
  );
  const unusable = new Set(problems.flatMap(problem => (problem.kind === 'unused' ? [] : problem.weight)));
  return matches.map(match => {
    const shape = shapes.get(match.weight) ?? match.shape;
    if (unusable.has(match.weight)) return { ...match, shape, source: { kind: 'initial' } };
    return match.source.kind === 'stored' ? match : { ...match, shape };
  });
}
