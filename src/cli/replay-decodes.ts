/**
 * Replays recorded decodes with bert4keras' own loop, `AutoRegressiveDecoder` over whole forward passes, and compares the
 * token ids, which have to be the same.
 */
import { InputError } from '../core/errors.ts';
import { int64Tensor, type Tensor } from '../core/tensor.ts';
import { AutoRegressiveDecoder, type DecoderInput } from '../decode/auto-regressive-decoder.ts';
import { seededRandom } from '../decode/seeded-random.ts';
import type { Model } from '../model.ts';
import type { GraphSession } from '../session/session.ts';
import type { RecordedDecode } from './recorded-case.ts';

/** A decode that was replayed. */
export interface DecodeComparison {
  readonly what: string;
  readonly expected: readonly number[];
  readonly found: readonly number[];
  readonly pass: boolean;
}

/** Replays decodes, one after another. */
export async function replayDecodes(model: Model, decodes: readonly RecordedDecode[]): Promise<DecodeComparison[]> {
  const graph = await model.openGraph('model');
  const comparisons: DecodeComparison[] = [];
  for (const [i, decode] of decodes.entries()) {
    const found = await replay(graph, decode);
    const what = `decode ${i + 1}: ${decode.method} topk ${decode.topK}`;
    comparisons.push({ what, expected: decode.output, found, pass: found.join() === decode.output.join() });
  }
  return comparisons;
}

async function replay(graph: GraphSession, decode: RecordedDecode): Promise<readonly number[]> {
  const decoder = new RecordedDecoder(graph, decode);
  const { temperature, minEnds, topK } = decode;
  const inputs = ['Input-Token', 'Encoder-Input-Token', 'Input-Segment'].flatMap(name => {
    const ids = decode.inputs[name];
    return ids === undefined ? [] : [[...ids]];
  });
  if (decode.method === 'beam_search') return decoder.beamSearch(inputs, topK, { temperature, minEnds });
  // Recorded with one candidate, so the draw has one outcome whatever the numbers.
  const samples = await decoder.randomSample(inputs, { n: 1, topK, temperature, minEnds, random: seededRandom(0) });
  return samples[0] ?? [];
}

class RecordedDecoder extends AutoRegressiveDecoder {
  readonly #graph: GraphSession;
  readonly #rule: RecordedDecode['segmentRule'];

  constructor(graph: GraphSession, { startId, endId, maxLen, minLen, segmentRule }: RecordedDecode) {
    super({ startId, endId, maxLen, minLen, defaultRType: 'logits' });
    this.#graph = graph;
    this.#rule = segmentRule;
  }

  /** Scores of the last position: the prompt with the ids so far, in one forward pass. */
  override async predict([prompts = [], segments = []]: DecoderInput[][], outputIds: number[][]) {
    const feeds = this.#rule === 't5' ? sideFeeds(prompts, outputIds) : this.#feeds(prompts, segments, outputIds);
    const { logits } = await this.#graph.run(feeds, ['logits']);
    if (!(logits?.data instanceof Float32Array)) throw new InputError({ what: 'logits', found: 'none' });
    const { data } = logits;
    const [, length = 0, vocabSize = 0] = logits.shape;
    return outputIds.map((_, row) => {
      const end = (row + 1) * length * vocabSize;
      return data.slice(end - vocabSize, end);
    });
  }

  #feeds(prompts: DecoderInput[], segments: DecoderInput[], outputIds: number[][]): Record<string, Tensor> {
    const feeds = { input_ids: matrix(outputIds.map((ids, row) => [...(prompts[row] ?? []), ...ids])) };
    if (this.#rule === 'none') return feeds;
    const rows = outputIds.map((ids, row) => {
      const given = [...(segments[row] ?? [])];
      const next = this.#segment(given.at(-1) ?? 0, prompts[row]?.at(-1) ?? 0);
      return [...given, ...ids.map(() => next)];
    });
    return { ...feeds, token_type_ids: matrix(rows) };
  }

  /** The segment of generated tokens, as the recording's script chose it. */
  #segment(lastSegment: number, lastToken: number): number {
    if (this.#rule === 'flip') return 1 - lastSegment;
    return this.#rule === 'speaker' ? lastToken : 1;
  }
}

/** Sources for the encoder, and what was written so far for the decoder. */
function sideFeeds(sources: DecoderInput[], outputIds: number[][]): Record<string, Tensor> {
  return { input_ids: matrix(sources.map(ids => [...ids])), decoder_input_ids: matrix(outputIds) };
}

function matrix(rows: readonly (readonly number[])[]): Tensor {
  return int64Tensor(rows.flat(), [rows.length, rows[0]?.length ?? 0]);
}
