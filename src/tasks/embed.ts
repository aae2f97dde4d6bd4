/**
 * Texts to vectors with an encoder: the first position, the mean of all, or the pooler. Texts of similar length are
 * computed together.
 *
 * B batch, T length, D hidden size.
 */
import { ConfigError } from '../core/errors.ts';
import { packingOf, paddingWaste } from '../generation/length-batches.ts';
import type { RunCounts } from '../generation/run-counts.ts';
import { createRunQueue, type RunRules } from '../generation/run-queue.ts';
import { checkSequence } from '../generation/sequence-checks.ts';
import { groupSequences, sequenceRun } from '../generation/sequence-runs.ts';
import { seenPositions } from '../generation/visibility.ts';
import { type Model, tokenizerOf } from '../model.ts';
import { type Float32Values, float32Output } from '../session/float32-output.ts';
import type { GraphSession } from '../session/session.ts';
import type { Encoding } from '../tokenizers/tokenizer.ts';
import { createSettingsReader, oneOf, type SettingChecks, wholeNumber } from './setting-checks.ts';

/** Where a text's vector comes from: `cls` the first position, `mean` all that are not padding, `pooler` the pooler. */
export type Pooling = 'cls' | 'mean' | 'pooler';

/** What a model's manifest (`tasks.embed`) and a call can say. */
export interface EmbedSettings {
  /** Default `cls`. */
  readonly pooling: Pooling;
  /** Scale vectors to length 1. Default false. */
  readonly normalize: boolean;
  /** Longest text in tokens; longer ones are truncated. Default: the model's positions, or 512. */
  readonly maxLen: number;
  /** Most tokens of one run, padding included. Default 512 on a CPU, 4096 on a GPU. */
  readonly maxBatchTokens: number;
}

/** Options of one call; they replace settings. */
export interface EmbedOptions extends Partial<EmbedSettings> {
  readonly signal?: AbortSignal | undefined;
}

/** Vectors of texts. */
export interface Embeddings {
  /** One vector of D numbers per text, in the order of the texts. */
  readonly vectors: readonly Float32Array[];
  /** Share of positions that are padding when these texts are computed by themselves, 0 to 1. */
  readonly paddingWaste: number;
}

/** Turns texts into vectors. */
export interface Embedder {
  /**
   * Embeds texts. Several calls at once are computed together.
   * @throws ConfigError for options that do not apply to the model; InputError; SessionError; AbortedError.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings>;
  /** What has been computed so far. */
  readonly counts: RunCounts;
}

const SETTINGS: SettingChecks = {
  pooling: oneOf('cls', 'mean', 'pooler'),
  normalize: oneOf(true, false),
  maxLen: wholeNumber(3),
  maxBatchTokens: wholeNumber(1),
};

/**
 * An embedder over any encoder.
 * @throws ConfigError when the model has no tokenizer; SessionError.
 * @example
 * const { embed } = await createEmbedder(model);
 * const { vectors } = await embed(['今天天气不错', '天气很好'], { pooling: 'mean', normalize: true });
 */
export async function createEmbedder(model: Model): Promise<Embedder> {
  const { manifest } = model;
  const tokenizer = tokenizerOf(model);
  const session = await model.openGraph(manifest.graphs.encoder === undefined ? 'model' : 'encoder');
  const packing = packingOf(session);
  const maxLen = manifest.dimensions.maxPositions ?? 512;
  const defaults: EmbedSettings = { pooling: 'cls', normalize: false, maxLen, maxBatchTokens: packing.budget };
  const settingsOf = createSettingsReader(manifest, { task: 'embed', checks: SETTINGS, defaults });
  const group = groupSequences(packing);
  const queue = createRunQueue(session, textRules(session, group));

  return {
    async embed(texts, { signal, ...options } = {}) {
      const { pooling, normalize, maxLen, maxBatchTokens: budget } = settingsOf(options);
      const output = outputOf(session, pooling);
      const encodings = texts.map(text => ({ ...tokenizer.encode(text, undefined, { maxLen }), output }));
      for (const encoding of encodings) checkSequence(manifest.dimensions, encoding);
      const read = (values: Float32Values, index: number): Float32Array => {
        const vector = pool(values, pooling, seenPositions(manifest.attention, encodings[index] ?? EMPTY));
        return normalize ? normalized(vector) : vector;
      };
      const vectors = await queue.ask(encodings, { read, budget, signal });
      const lengths = encodings.map(({ tokenIds }) => tokenIds.length);
      return { vectors, paddingWaste: paddingWaste(lengths, group(encodings, budget)) };
    },
    get counts() {
      return queue.counts;
    },
  };
}

const EMPTY: Encoding = { tokenIds: [], segmentIds: [] };

/** A text with the output that it needs. */
interface Item extends Encoding {
  readonly output: string;
}

/** How texts become runs; a result is a text's own part of its output, [T, D] or [D]. */
function textRules(
  session: GraphSession,
  group: RunRules<Item, Float32Values>['group'],
): RunRules<Item, Float32Values> {
  return {
    group,
    input: batch => ({
      ...sequenceRun(session, batch),
      fetches: [...new Set(batch.map(({ output }) => output))],
    }),
    results: (outputs, batch) => batch.map(({ output }, lane) => laneOf(float32Output(outputs, output), lane)),
  };
}

function laneOf({ dtype, shape: [, ...shape], data }: Float32Values, lane: number): Float32Values {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { dtype, shape, data: data.subarray(lane * size, (lane + 1) * size) };
}

function outputOf(session: GraphSession, pooling: Pooling): string {
  const name = pooling === 'pooler' ? 'pooler_output' : 'last_hidden_state';
  if (session.outputs.some(port => port.name === name)) return name;
  const next =
    pooling === 'pooler' ? 'Convert the model with --with-pool, or use another pooling.' : 'Use another model.';
  throw new ConfigError({ what: `pooling ${pooling}`, expected: `a graph with ${name}`, found: 'none', next });
}

/** The vector of a text from hidden states [T, D] or a pooled vector [D]; sums in double precision. */
function pool({ shape, data }: Float32Values, pooling: Pooling, seen: Uint8Array): Float32Array {
  const size = shape.at(-1) ?? 0;
  if (pooling !== 'mean') return data.slice(0, size);
  const sums = new Float64Array(size);
  let count = 0;
  seen.forEach((isSeen, position) => {
    if (isSeen === 0) return;
    count++;
    for (let i = 0; i < size; i++) sums[i] = (sums[i] ?? 0) + (data[position * size + i] ?? 0);
  });
  return Float32Array.from(sums, sum => sum / count);
}

function normalized(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map(value => value / length);
}
