/**
 * Whether the two graphs of a model agree: `step.onnx`, fed a made-up sequence token by token behind its cache, has to
 * give the logits that `model.onnx` gives for the whole of it.
 */
import { boolTensor, float32Tensor, int64Tensor, type Tensor } from '../core/tensor.ts';
import { blankSlots } from '../generation/step-session.ts';
import type { Model } from '../model.ts';
import type { GraphSession } from '../session/session.ts';

/** What was compared. */
export interface StepAgreement {
  /** Largest absolute difference of any logit. */
  readonly absolute: number;
  readonly tokens: number;
  readonly pass: boolean;
}

/** The design's bound: both graphs compute the same sums, in another order. */
const TOLERANCE = 1e-5;

/** Compares the graphs; undefined where attention looks ahead, so that no token can be fed before the next. */
export async function checkStepAgreement(model: Model): Promise<StepAgreement | undefined> {
  const { graphs, attention, dimensions } = model.manifest;
  if (graphs.step === undefined || attention.visibility === 'padding') return undefined;
  const tokens = Math.min(12, dimensions.maxPositions ?? 12);
  const ids = Array.from({ length: tokens }, (_, i) => 1 + ((7 * i + 3) % (dimensions.vocabSize - 1)));
  const whole = await wholeLogits(model, ids);
  const stepped = await steppedLogits(model, ids);
  let absolute = 0;
  for (const [i, value] of whole.entries()) absolute = Math.max(absolute, Math.abs(value - (stepped[i] ?? Number.NaN)));
  const scale = whole.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  return { absolute, tokens, pass: absolute <= TOLERANCE * scale };
}

/** Segment 1 throughout: the part of a prefix model that is generated, and never padding. */
function idFeeds(graph: GraphSession, ids: readonly number[], start: number): Record<string, Tensor> {
  const shape = [1, ids.length];
  const values: Readonly<Record<string, readonly number[]>> = {
    input_ids: ids,
    token_type_ids: ids.map(() => 1),
    position_ids: ids.map((_, i) => start + i),
  };
  const wanted = graph.inputs.filter(({ name }) => Object.hasOwn(values, name));
  return Object.fromEntries(wanted.map(({ name }) => [name, int64Tensor(values[name] ?? [], shape)]));
}

async function wholeLogits(model: Model, ids: readonly number[]): Promise<Float32Array> {
  const graph = await model.openGraph('model');
  return floatsOf(await graph.run(idFeeds(graph, ids, 0), ['logits']), 'logits');
}

async function steppedLogits(model: Model, ids: readonly number[]): Promise<Float32Array> {
  const graph = await model.openGraph('step');
  const cachePorts = graph.inputs.filter(({ name }) => /^past_(key|value)\./.test(name));
  const takesPositions = graph.inputs.some(({ name }) => name === 'past_position_ids');
  const blank = blankSlots(graph);
  const cache = new Map<string, Float32Array[]>(
    cachePorts.map(({ name, shape: [, heads, , size] }) => {
      return [name, Array.from({ length: blank }, () => new Float32Array(Number(heads) * Number(size)))];
    }),
  );
  const logits: Float32Array[] = [];
  for (const [position, id] of ids.entries()) {
    const past = cachePorts.map(({ name, shape: [, heads, , size] }) => {
      const rows = cache.get(name) ?? [];
      return [name, cacheTensor(rows, Number(heads), Number(size))] as const;
    });
    const feeds = {
      ...idFeeds(graph, [id], position),
      ...Object.fromEntries(past),
      ...(takesPositions && { past_position_ids: int64Tensor(slotPositions(blank, position), [1, blank + position]) }),
      visible: boolTensor(new Uint8Array(blank + position + 1).fill(1, blank), [1, 1, blank + position + 1]),
      logit_rows: int64Tensor([0], [1, 1]),
    };
    const fresh = cachePorts.map(({ name }) => name.replace('past_', 'new_'));
    const results = await graph.run(feeds, [...fresh, 'logits']);
    logits.push(floatsOf(results, 'logits'));
    for (const [i, { name }] of cachePorts.entries()) cache.get(name)?.push(floatsOf(results, fresh[i] ?? ''));
  }
  return concat(logits);
}

/** Rows of one position each, `[N, 1, H]`, as one tensor `[1, N, P, H]`. */
function cacheTensor(rows: readonly Float32Array[], heads: number, size: number): Tensor {
  const data = new Float32Array(rows.length * heads * size);
  for (const [position, row] of rows.entries()) {
    for (let head = 0; head < heads; head++) {
      data.set(row.subarray(head * size, (head + 1) * size), (head * rows.length + position) * size);
    }
  }
  return float32Tensor(data, [1, heads, rows.length, size]);
}

function floatsOf(results: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const data = results[name]?.data;
  return data instanceof Float32Array ? data : new Float32Array();
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Positions of the slots: 0 for the blank ones, then from 0 up. */
function slotPositions(blank: number, length: number): number[] {
  return Array.from({ length: blank + length }, (_, i) => Math.max(0, i - blank));
}
