/**
 * Texts to vectors with an encoder: the first position, the mean of all, or the pooler. Texts of similar length are
 * computed together.
 *
 * B batch, T length, D hidden size.
 */
import { ConfigError, SessionError, throwIfAborted } from '../core/errors.ts';
import { int64Tensor, type Tensor } from '../core/tensor.ts';
import { chunkByLength, paddingWaste } from '../generation/length-batches.ts';
import { checkSequence } from '../generation/sequence-checks.ts';
import { takes } from '../generation/step-session.ts';
import { seenPositions } from '../generation/visibility.ts';
import { type Model, tokenizerOf } from '../model.ts';
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
  /** Most tokens of one run, padding included. Default 4096. */
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
  /** Share of computed positions that were padding, 0 to 1. */
  readonly paddingWaste: number;
}

/** Turns texts into vectors. */
export interface Embedder {
  /** @throws ConfigError for options that do not apply to the model; InputError; SessionError; AbortedError. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings>;
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
  const session = await model.openGraph('model');
  const maxLen = manifest.dimensions.maxPositions ?? 512;
  const defaults: EmbedSettings = { pooling: 'cls', normalize: false, maxLen, maxBatchTokens: 4096 };
  const settingsOf = createSettingsReader(manifest, { task: 'embed', checks: SETTINGS, defaults });

  return {
    async embed(texts, { signal, ...options } = {}) {
      const { pooling, normalize, maxLen, maxBatchTokens } = settingsOf(options);
      const output = outputOf(session, pooling);
      const encodings = texts.map(text => tokenizer.encode(text, undefined, { maxLen }));
      for (const encoding of encodings) checkSequence(manifest.dimensions, encoding);
      const lengths = encodings.map(({ tokenIds }) => tokenIds.length);
      const chunks = chunkByLength(lengths, maxBatchTokens);
      const vectors: Float32Array[] = new Array(texts.length);
      for (const chunk of chunks) {
        throwIfAborted(signal, 'embedding');
        const batch = chunk.flatMap(index => encodings[index] ?? []);
        const result = float32Output(await session.run(batchFeeds(session, batch), [output]), output);
        chunk.forEach((index, lane) => {
          const vector = poolLane(result, lane, pooling, seenPositions(manifest.attention, batch[lane] ?? EMPTY));
          vectors[index] = normalize ? normalized(vector) : vector;
        });
      }
      return { vectors, paddingWaste: paddingWaste(lengths, chunks) };
    },
  };
}

const EMPTY: Encoding = { tokenIds: [], segmentIds: [] };

function outputOf(session: GraphSession, pooling: Pooling): string {
  const name = pooling === 'pooler' ? 'pooler_output' : 'last_hidden_state';
  if (session.outputs.some(port => port.name === name)) return name;
  const next =
    pooling === 'pooler' ? 'Convert the model with --with-pool, or use another pooling.' : 'Use another model.';
  throw new ConfigError({ what: `pooling ${pooling}`, expected: `a graph with ${name}`, found: 'none', next });
}

function float32Output(outputs: Readonly<Record<string, Tensor>>, name: string) {
  const output = outputs[name];
  if (output?.dtype === 'float32') return output;
  throw new SessionError({ what: `output ${name}`, expected: 'float32', found: output?.dtype ?? 'none' });
}

/** Token ids, segment ids and positions [B, T], padded with 0, which the graph does not attend to. */
function batchFeeds(session: GraphSession, batch: readonly Encoding[]): Record<string, Tensor> {
  const length = Math.max(...batch.map(({ tokenIds }) => tokenIds.length));
  const shape = [batch.length, length];
  const padded = (pick: (encoding: Encoding) => readonly number[]): Tensor => {
    const values = new Int32Array(batch.length * length);
    batch.forEach((encoding, lane) => {
      values.set(pick(encoding), lane * length);
    });
    return int64Tensor(values, shape);
  };
  return {
    input_ids: padded(encoding => encoding.tokenIds),
    ...(takes(session, 'token_type_ids') && { token_type_ids: padded(encoding => encoding.segmentIds) }),
    ...(takes(session, 'position_ids') && { position_ids: padded(({ tokenIds }) => tokenIds.map((_, i) => i)) }),
  };
}

/** The vector of one text from hidden states [B, T, D] or pooled vectors [B, D]; sums in double precision. */
function poolLane(
  { shape, data }: { readonly shape: readonly number[]; readonly data: Float32Array },
  lane: number,
  pooling: Pooling,
  seen: Uint8Array,
): Float32Array {
  const size = shape.at(-1) ?? 0;
  const start = lane * (pooling === 'pooler' ? 1 : (shape[1] ?? 1)) * size;
  if (pooling !== 'mean') return data.slice(start, start + size);
  const sums = new Float64Array(size);
  let count = 0;
  seen.forEach((isSeen, position) => {
    if (isSeen === 0) return;
    count++;
    for (let i = 0; i < size; i++) sums[i] = (sums[i] ?? 0) + (data[start + position * size + i] ?? 0);
  });
  return Float32Array.from(sums, sum => sum / count);
}

function normalized(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map(value => value / length);
}
