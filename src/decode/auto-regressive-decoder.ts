/**
 * bert4keras' `AutoRegressiveDecoder` as a class to extend, for scripts that are being ported: the same constructor, the
 * same `predict` to override, the same two searches (bert4keras/snippets.py, https://github.com/bojone/bert4keras).
 * `wraps(default_rtype, use_states)` became constructor options. New code needs none of this: `beamSearch` and
 * `randomSample` take a scorer.
 */
import { InputError } from '../core/errors.ts';
import { beamSearch } from './beam-search.ts';
import { randomSample } from './random-sample.ts';
import { type Hypothesis, type ScoreArray, type StepScorer, tokenIdsOf } from './scorer.ts';
import type { EndingRules } from './search-step.ts';
import type { RandomSource } from './seeded-random.ts';

/** One input of a decoder, e.g. the token ids of the prompt. */
export type DecoderInput = number[] | Int32Array | Float32Array;

/** Rows of V numbers. Plain arrays count as float64. */
export type PredictedRows = readonly (ScoreArray | readonly number[])[];

/** What `predict` returns: rows, or with `useStates` the pair of rows and the states for the next call. */
export type Prediction<States> = PredictedRows | { readonly scores: PredictedRows; readonly states: States };

/** Constructor options. */
export interface DecoderOptions {
  /** First token of every output, or null for none. */
  readonly startId: number | null;
  readonly endId: number;
  /** Most decoding steps. */
  readonly maxLen: number;
  /** Fewest tokens, the start token included. Default 1. */
  readonly minLen?: number;
  /** What `predict` returns: probabilities (default) or logits. */
  readonly defaultRType?: 'probas' | 'logits';
  /** Whether `predict` returns states besides the rows. Default false. */
  readonly useStates?: boolean;
}

/** Options of one search. */
export interface DecodeOptions<States> {
  /** States of the first `predict` call. Default null. */
  readonly states?: States | null;
  readonly temperature?: number;
  readonly minEnds?: number;
  readonly signal?: AbortSignal;
}

/** Options of {@link AutoRegressiveDecoder.randomSample}. */
export interface DecodeSampleOptions<States> extends DecodeOptions<States> {
  readonly n: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly random: RandomSource;
}

/**
 * Extend it and override `predict`.
 * @example
 * class Greeter extends AutoRegressiveDecoder {
 *   override async predict([prompts]: DecoderInput[][], outputIds: number[][]) {
 *     return outputIds.map((ids, row) => model.lastRow([...(prompts?.[row] ?? []), ...ids]));
 *   }
 * }
 * const decoder = new Greeter({ startId: null, endId: 102, maxLen: 32 });
 * const tokenIds = await decoder.beamSearch([promptIds], 3);
 */
export abstract class AutoRegressiveDecoder<States = null> {
  readonly options: DecoderOptions;

  constructor(options: DecoderOptions) {
    this.options = options;
  }

  /**
   * Scores the next token of every row. `inputs[i][row]` is input i for a row: one row at the first call, later one per
   * living sequence, copied from the row it grew from. `outputIds[row]` holds the ids so far, start token included.
   */
  abstract predict(inputs: DecoderInput[][], outputIds: number[][], states: States | null): Promise<Prediction<States>>;

  /** The likeliest ids, start and end token included. As `beam_search(inputs, topk, states, temperature, min_ends)`. */
  async beamSearch(
    inputs: readonly DecoderInput[],
    topK: number,
    options: DecodeOptions<States> = {},
  ): Promise<readonly number[]> {
    const scorer = await this.#open(inputs, options.states ?? null);
    return (await beamSearch(scorer, { ...this.#rules(options), topK })).tokenIds;
  }

  /** `n` sampled lists of ids. As `random_sample(inputs, n, topk, topp, states, temperature, min_ends)`. */
  async randomSample(
    inputs: readonly DecoderInput[],
    options: DecodeSampleOptions<States>,
  ): Promise<readonly (readonly number[])[]> {
    const { n, topK, topP, random } = options;
    const scorer = await this.#open(inputs, options.states ?? null);
    const samples = await randomSample(scorer, { ...this.#rules(options), n, topK, topP, random });
    return samples.map(sample => sample.tokenIds);
  }

  #rules({ temperature, minEnds, signal }: DecodeOptions<States>) {
    const { startId, endId, maxLen, minLen } = this.options;
    const rules: EndingRules = { startId, minLen, minEnds, temperature };
    return { ...rules, endId, maxLen, signal };
  }

  /** A scorer over `predict`. The first call is made at once: its rows tell the size of the vocabulary. */
  async #open(inputs: readonly DecoderInput[], firstStates: States | null): Promise<StepScorer> {
    const start = this.options.startId === null ? [] : [this.options.startId];
    const inputsOf = new WeakMap<Hypothesis, readonly DecoderInput[]>();
    let states = firstStates;
    const ask = async (rows: readonly (readonly DecoderInput[])[], outputIds: number[][]) => {
      const columns = inputs.map((_, input) => rows.map(row => row[input] ?? []));
      const prediction = await this.predict(columns, outputIds, states);
      const [scores, next] = splitPrediction(prediction, this.options.useStates ?? false);
      states = next;
      return joinRows(scores, outputIds.length);
    };
    const firstInputs = inputs.map(copy);
    const first = await ask([firstInputs], [[...start]]);
    return {
      vocabSize: first.length,
      kind: this.options.defaultRType === 'logits' ? 'logits' : 'probabilities',
      async score(hypotheses) {
        if (hypotheses[0]?.parent === null) return first;
        const rows = hypotheses.map(hypothesis => {
          const parent = hypothesis.parent === null ? undefined : inputsOf.get(hypothesis.parent);
          const row = parent ?? firstInputs.map(copy);
          inputsOf.set(hypothesis, row);
          return row;
        });
        return ask(
          rows,
          hypotheses.map(hypothesis => [...start, ...tokenIdsOf(hypothesis)]),
        );
      },
    };
  }
}

function copy(input: DecoderInput): DecoderInput {
  return input.slice();
}

function splitPrediction<States>(
  prediction: Prediction<States>,
  useStates: boolean,
): readonly [PredictedRows, States | null] {
  const isPair = 'states' in prediction;
  if (isPair !== useStates) {
    throw new InputError({
      what: 'what predict returned',
      expected: useStates ? 'rows and states' : 'rows alone',
      found: isPair ? 'rows and states' : 'rows alone',
      next: 'Set useStates to match predict.',
    });
  }
  return isPair ? [prediction.scores, prediction.states] : [prediction, null];
}

/** One flat array of `rows` rows; float32 when all rows are, float64 otherwise. */
function joinRows(rows: PredictedRows, count: number): ScoreArray {
  const size = rows[0]?.length ?? 0;
  if (rows.length !== count || size === 0 || rows.some(row => row.length !== size)) {
    throw new InputError({
      what: 'what predict returned',
      expected: `${count} rows of one length`,
      found: `${rows.length} rows of ${[...new Set(rows.map(row => row.length))].join(', ')} numbers`,
    });
  }
  const isSingle = rows.every(row => row instanceof Float32Array);
  const joined = isSingle ? new Float32Array(count * size) : new Float64Array(count * size);
  rows.forEach((row, index) => {
    joined.set(row, index * size);
  });
  return joined;
}
