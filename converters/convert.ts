/**
 * Conversion, from a checkpoint to a model directory: open, plan, reconcile, write. Headers decide everything; the bytes
 * of the weights are then moved once, or not at all when they are linked in place.
 */
import type { JsonObject } from '../onnx-graphs/architecture.ts';
import { encodeGraph } from '../onnx-graphs/onnx/encode-graph.ts';
import { GraphBuilder } from '../onnx-graphs/onnx/graph-builder.ts';
import type { GraphPlan } from '../onnx-graphs/onnx/graph-plan.ts';
import { withoutOutput } from '../onnx-graphs/onnx/without-output.ts';
import type { ByteSink, ByteSourceSet } from '../src/core/byte-source.ts';
import { throwIfAborted } from '../src/core/errors.ts';
import {
  type FileEntry,
  type GraphEntry,
  type GraphName,
  MANIFEST_FILE,
  MANIFEST_VERSION,
  type Manifest,
} from '../src/core/manifest.ts';
import { formatManifest } from '../src/core/manifest-parser.ts';
import type { ProgressListener } from '../src/core/progress.ts';
import { VERSION } from '../src/core/version.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readConfiguration, requireNothingElse, withTensors } from './configuration.ts';
import { openCheckpoint } from './formats.ts';
import { huggingFaceConfig, huggingFaceGeneration } from './hugging-face-config.ts';
import { type ModelPlan, planModel } from './plan-model.ts';
import { type TokenizerFiles, type TokenizerSource, type TokenTable, tokenizerFiles } from './tokenizer-files.ts';
import { packedLayout, type WeightLayout, wholeLayout, worthCloning } from './weight-files.ts';
import { weightValues } from './weight-values.ts';
import { settled, writeWeights } from './write-weights.ts';

/** Folder of the graphs and weights in a model directory. */
const FOLDER = 'onnx';

/** What to convert. */
export interface ConvertOptions extends ConvertControls {
  /** The files beside the checkpoint, and the name or beginning of names by which the user knows it. */
  readonly checkpoint: { readonly files: ByteSourceSet; readonly name: string };
  /** Bytes of `bert_config.json`, a copy of which goes into the model directory untouched; or of a cloze reader's `model.config`. */
  readonly config: Uint8Array;
  /** Name of the configuration in errors. */
  readonly configName?: string;
  /** Keywords of `build_transformer_model` in their Python spelling, `model` among them; `gelu` stands for `set_gelu`. */
  readonly keywords: JsonObject;
  readonly tokenizer?: TokenizerSource;
  /** Task name → settings, kept in the manifest as the tasks' defaults. */
  readonly tasks?: Manifest['tasks'];
}

/** How to convert. */
export interface ConvertControls {
  /** Hard-link the checkpoint's data files into the model directory and use their bytes in place. Default false. */
  readonly link?: boolean;
  /** Compare the checksums that the checkpoint records for its weights. Default true. */
  readonly verify?: boolean;
  /**
   * Record the SHA-256 of weight files too, so that whoever fetches the model can compare them. Default false: it takes
   * longer than copying them. Graphs always have theirs.
   */
  readonly sha256?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** What came out. */
export interface Conversion {
  readonly manifest: Manifest;
  /** The naming scheme that was recognised, for people. */
  readonly scheme: string;
  /** Tensors of the checkpoint that the model does not use. */
  readonly unused: readonly string[];
  /** Missing, misshapen and unused weights that `ignore_invalid_weights` allowed, one line each. */
  readonly allowed: readonly string[];
  /** Rows at the end of the token table that the vocabulary has no token for: padding. */
  readonly spareRows: number;
}

/**
 * Converts a checkpoint into a model directory, which `sink` publishes when it is complete; after an error or an abort
 * nothing is left of it.
 *
 * @throws ConfigError for configuration and keywords, WeightsError for weights that do not fit them (each listing
 * everything that is wrong), FormatError for damaged files, IoError, AbortedError.
 * @example
 * const conversion = await convert({
 *   checkpoint: await splitPath('chinese_L-12_H-768_A-12/bert_model.ckpt'),
 *   config: await readFile('chinese_L-12_H-768_A-12/bert_config.json'),
 *   keywords: { model: 'bert', application: 'unilm' },
 *   tokenizer: { kind: 'wordpiece', vocab: await readFile('chinese_L-12_H-768_A-12/vocab.txt') },
 * }, await directorySink('models/bert-unilm'));
 */
export async function convert(options: ConvertOptions, sink: ByteSink): Promise<Conversion> {
  const { files, name } = options.checkpoint;
  const verify = options.verify ?? true;
  try {
    const checkpoint = await openCheckpoint(files, name, { verifyData: verify });
    try {
      const conversion = await writeModel(checkpoint, { ...options, verify }, sink);
      throwIfAborted(options.signal, 'converting');
      await sink.commit();
      return conversion;
    } finally {
      await checkpoint.close();
    }
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function writeModel(
  opened: Checkpoint,
  options: ConvertOptions & { readonly verify: boolean },
  sink: ByteSink,
): Promise<Conversion> {
  const { verify, link = false, sha256 = false, signal, onProgress } = options;
  throwIfAborted(signal, 'converting');
  const { config, tensors, ...described } = readConfiguration(options.config, options.configName);
  if (described.tokenizer !== undefined) requireNothingElse(options);
  const checkpoint = withTensors(opened, tensors);
  const plan = planModel(checkpoint, { config, keywords: options.keywords });
  const vocabulary = options.tokenizer ?? described.tokenizer;
  const tokenizer = vocabulary && tokenizerFiles(vocabulary, tokenTable(plan));

  const weights = plan.weights.map(match => weightValues(match, { vocabulary: plan.pending, verify }));
  const whole = link || (sink.copy !== undefined && worthCloning(weights));
  const layout = whole ? wholeLayout(weights) : packedLayout(weights);
  // Graphs are written while the operating system is busy with the weights.
  const [data, files] = await settled([
    writeWeights(layout, sink, { folder: FOLDER, link, verify, sha256, signal, onProgress }),
    writeGraphs(plan, layout, sink),
  ]);

  const graphs = Object.fromEntries(Object.entries(files).map(([name, graph]) => [name, { ...graph, data }]));
  const manifest = manifestOf(plan, checkpoint, options, { graphs, tokenizer });
  const generation = generationConfig(options.tasks ?? {}, tokenizer);
  const texts = jsonFiles({
    'config.json': huggingFaceConfig(plan.facts, config, { graphs: wholeFiles(graphs), weightFiles: data.length }),
    ...(generation === undefined ? {} : { 'generation_config.json': generation }),
  });
  for (const [file, text] of texts) await writeFile(sink, file, new TextEncoder().encode(text));
  for (const [file, bytes] of tokenizer?.files ?? []) await writeFile(sink, file, bytes);
  if (described.keepAs !== undefined) await writeFile(sink, described.keepAs, options.config);
  await writeFile(sink, MANIFEST_FILE, new TextEncoder().encode(formatManifest(manifest)));
  const { naming, unused, allowed } = plan;
  return { manifest, scheme: naming.label, unused, allowed, spareRows: tokenizer?.spareRows ?? 0 };
}

/** What the manifest says of graphs, before the weight files beside them are known. */
type GraphFileEntries = Partial<Record<GraphName, Omit<GraphEntry, 'data'>>>;

/** Writes the graphs that the configuration has; all of them refer to the same weight files. */
async function writeGraphs(model: ModelPlan, layout: WeightLayout, sink: ByteSink): Promise<GraphFileEntries> {
  const graphs: GraphFileEntries = {};
  for (const [name, plan] of graphPlans(model)) {
    const entry = await writeFile(sink, `${FOLDER}/${plan.name}.onnx`, encodeGraph(plan, layout.locate));
    graphs[name] = { ...entry, dtype: 'float32', inputs: plan.inputs, outputs: plan.outputs };
  }
  return graphs;
}

/** Names of the files that Hugging Face's libraries know. */
function wholeFiles({ model, decoder, encoder }: Manifest['graphs']): readonly string[] {
  const known = decoder === undefined ? [model] : [encoder, decoder];
  return known.flatMap(graph => (graph === undefined ? [] : graph.file.slice(FOLDER.length + 1)));
}

/** What Hugging Face calls the files of a model's two halves. */
const HALVES: Readonly<Record<string, string>> = { encoder: 'encoder_model', decoder: 'decoder_model' };

/** What the architecture writes; a model with token logits also comes without them, for whoever wants hidden states. */
function graphPlans({ architecture, facts, config }: ModelPlan): ReadonlyMap<GraphName, GraphPlan> {
  const plans = new Map<GraphName, GraphPlan>();
  for (const name of facts.graphs) {
    const builder = new GraphBuilder(HALVES[name] ?? name);
    architecture.graphs[name]?.(builder, config);
    const plan = builder.plan();
    plans.set(name, plan);
    const hasLogits = plan.outputs.some(port => port.name === 'logits');
    if (name === 'model' && hasLogits && !facts.graphs.includes('encoder'))
      plans.set('encoder', withoutOutput(plan, 'logits', 'encoder'));
  }
  return plans;
}

function manifestOf(
  { architecture, facts, naming }: ModelPlan,
  checkpoint: Checkpoint,
  { keywords, tasks = {}, link = false }: ConvertOptions,
  { graphs, tokenizer }: { readonly graphs: Manifest['graphs']; readonly tokenizer: TokenizerFiles | undefined },
): Manifest {
  return {
    formatVersion: MANIFEST_VERSION,
    tool: `bert4ort ${VERSION}`,
    architecture: architecture.name,
    application: facts.application,
    graphs,
    dimensions: facts.dimensions,
    attention: facts.attention,
    activations: facts.activations,
    ...(tokenizer === undefined ? {} : { tokenizer: tokenizer.entry }),
    tasks,
    origin: {
      format: checkpoint.format,
      scheme: naming.scheme,
      // Where they were on the user's disk is nobody's business.
      files: checkpoint.files.map(({ name, size }) => ({ file: name.replace(/^.*[\\/]/, ''), size })),
      options: { ...keywords, ...(link ? { link } : {}) },
    },
  };
}

/** Hugging Face's libraries know one way of generating for a model. */
function generationConfig(tasks: Manifest['tasks'], tokenizer: TokenizerFiles | undefined): JsonObject | undefined {
  const [settings, ...others] = Object.values(tasks);
  return settings === undefined || others.length > 0
    ? undefined
    : huggingFaceGeneration(settings, tokenizer?.tokenDict);
}

function jsonFiles(files: Readonly<Record<string, JsonObject>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(files).map(([name, value]) => [name, `${JSON.stringify(value, null, 2)}\n`]));
}

function tokenTable({ facts, vocabulary, pending, weights }: ModelPlan): TokenTable {
  const { vocabSize: rows, maxPositions } = facts.dimensions;
  const tokens = weights.find(({ slot }) => slot.vocabularyAxis !== undefined);
  const storedRows = pending === undefined ? undefined : tokens?.shape[tokens.slot.vocabularyAxis ?? 0];
  return { rows, storedRows, change: vocabulary, maxPositions };
}

async function writeFile(sink: ByteSink, file: string, bytes: Uint8Array): Promise<FileEntry> {
  const writer = await sink.create(file, bytes.length, { sha256: true });
  await writer.write(bytes);
  const sha256 = await writer.close();
  return { file, size: bytes.length, ...(sha256 === undefined ? {} : { sha256 }) };
}
