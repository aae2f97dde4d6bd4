/**
 * Whether the graphs of a model agree: `step.onnx`, fed a made-up sequence token by token through the generation engine, or
 * `read.onnx`, asked for all of its rows, has to give the logits that `model.onnx` gives for the whole of it. Tokens that a
 * step names as the likeliest have to be those of the logits.
 */
import { int64Tensor, type Tensor } from '../core/tensor.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis, type StepScorer } from '../decode/scorer.ts';
import { createGenerator } from '../generation/generator.ts';
import { readRows } from '../generation/row-reader.ts';
import { type Sequence, sourceLength } from '../generation/visibility.ts';
import type { Model } from '../model.ts';
import { float32Output } from '../session/float32-output.ts';

/** What was compared. */
export interface GraphAgreement {
  /** The graph that was compared with the whole model. */
  readonly graph: 'read' | 'step';
  /** Largest absolute difference of any logit, and of the probability of the likeliest token. */
  readonly absolute: number;
  readonly tokens: number;
  readonly pass: boolean;
}

/** The design's bound: both graphs compute the same sums, in another order. */
const TOLERANCE = 1e-5;

/** Tokens of the sequence, and of those the ones of a source with an encoder of its own. */
const TOKENS = 12;
const SOURCE = 4;

/** Likeliest tokens that a step is asked for. */
const NAMED = 5;

/** Compares the graphs; undefined where there is only the whole model. */
export async function checkAgreement(model: Model): Promise<GraphAgreement | undefined> {
  const { graphs } = model.manifest;
  const graph = graphs.read === undefined ? 'step' : 'read';
  if (graphs[graph] === undefined) return undefined;
  const sequence = madeUpSequence(model);
  const logits = [...(await wholeLogits(model, sequence))];
  const whole = graph === 'read' ? logits : [...logits, ...likeliest(lastRow(model, logits))];
  const found = await (graph === 'read' ? logitsRead(model, sequence) : steppedLogits(model, sequence));
  let absolute = whole.length === found.length ? 0 : Number.NaN;
  for (const [i, value] of whole.entries()) absolute = Math.max(absolute, Math.abs(value - (found[i] ?? Number.NaN)));
  const scale = whole.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  return { graph, absolute, tokens: sequence.tokenIds.length, pass: absolute <= TOLERANCE * scale };
}

/** Segment 1 but for a source: the part of a prefix model that is generated, and never padding. */
function madeUpSequence({ manifest: { attention, dimensions, graphs } }: Model): Sequence {
  const length = graphs.model?.inputs[0]?.shape[1];
  const tokens = typeof length === 'number' ? length : Math.min(TOKENS, dimensions.maxPositions ?? TOKENS);
  const tokenIds = Array.from({ length: tokens }, (_, i) => 1 + ((7 * i + 3) % (dimensions.vocabSize - 1)));
  const isSource = (i: number): boolean => attention.crossAttention === true && i < SOURCE;
  return { tokenIds, segmentIds: tokenIds.map((_, i) => (isSource(i) ? 0 : segmentOf(dimensions))) };
}

function segmentOf({ segmentVocabSize }: Model['manifest']['dimensions']): number {
  return segmentVocabSize > 1 ? 1 : 0;
}

/** Logits of all tokens, of a source aside. */
async function wholeLogits(model: Model, sequence: Sequence): Promise<Float32Array> {
  const graph = await model.openGraph('model');
  const { tokenIds, segmentIds } = sequence;
  const source = sourceLength(model.manifest.attention, sequence);
  const ids: Readonly<Record<string, readonly number[]>> = {
    input_ids: source === 0 ? tokenIds : tokenIds.slice(0, source),
    decoder_input_ids: tokenIds.slice(source),
    token_type_ids: segmentIds,
    position_ids: tokenIds.map((_, i) => i),
  };
  const feeds: Record<string, Tensor> = {};
  for (const { name } of graph.inputs) feeds[name] = int64Tensor(ids[name] ?? [], [1, ids[name]?.length ?? 0]);
  return float32Output(await graph.run(feeds, ['logits']), 'logits').data;
}

function lastRow({ manifest }: Model, logits: readonly number[]): readonly number[] {
  return logits.slice(-manifest.dimensions.vocabSize);
}

/** What names the likeliest tokens of a row: their logits, by value and by id, and the probability of the first. */
function likeliest(row: readonly number[]): readonly number[] {
  const values = [...row].sort((a, b) => b - a).slice(0, NAMED);
  const sum = row.reduce((total, logit) => total + Math.exp(logit - (values[0] ?? 0)), 0);
  return [...values, ...values, 1 / sum];
}

/** The same as a step names it, whose logits are `row`; where steps name none, as the row has it. */
async function named(scorer: StepScorer, last: Hypothesis, row: readonly number[]): Promise<readonly number[]> {
  const answer = await scorer.score([last], undefined, NAMED);
  if ('buffer' in answer) return likeliest(row);
  return answer.flatMap(({ ids, values, probability }) => {
    return [...values, ...Array.from(ids, id => row[id] ?? Number.NaN), probability];
  });
}

async function logitsRead(model: Model, sequence: Sequence): Promise<Float32Array> {
  const request = { ...sequence, rows: sequence.tokenIds.map((_, i) => i) };
  const [logits = new Float32Array()] = await readRows(await model.openGraph('read'), model.manifest, [request]);
  return logits;
}

async function steppedLogits(model: Model, sequence: Sequence): Promise<readonly number[]> {
  const { manifest } = model;
  const generator = createGenerator(await model.openGraph('step'), manifest);
  const begun = sourceLength(manifest.attention, sequence) + 1;
  const prompt = { tokenIds: sequence.tokenIds.slice(0, begun), segmentIds: sequence.segmentIds.slice(0, begun) };
  const scorer = generator.start(prompt, { segmentId: segmentOf(manifest.dimensions) });
  try {
    let last = rootHypothesis();
    const logits = [...(await scorer.score([last]))];
    for (const tokenId of sequence.tokenIds.slice(begun)) {
      last = extendHypothesis(last, tokenId);
      logits.push(...(await scorer.score([last])));
    }
    return [...logits, ...(await named(scorer, last, lastRow(model, logits)))];
  } finally {
    scorer.release();
  }
}
