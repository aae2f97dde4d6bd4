/**
 * Replays recorded forward passes and compares every element: within 1e-4 of the reference, absolute or relative
 * (probabilities within 1e-5 absolute), never a mean.
 */
import { InputError } from '../core/errors.ts';
import { float32Tensor, int64Tensor, type Tensor } from '../core/tensor.ts';
import { softmaxInPlace } from '../decode/exponential.ts';
import type { Model } from '../model.ts';
import type { GraphSession } from '../session/session.ts';
import { type RecordedCase, type RecordedOutput, type RecordedRun, recordedValues } from './recorded-case.ts';

/** How far one output is from its recording. */
export interface OutputDifference {
  readonly what: string;
  /** Largest absolute difference. */
  readonly absolute: number;
  /** Largest difference relative to the recorded value, among values of at least 1e-3. */
  readonly relative: number;
  readonly pass: boolean;
}

/** Keras' input names → ports, the first of which that a graph has. */
const PORTS: Readonly<Record<string, readonly string[]>> = {
  'Input-Token': ['input_ids'],
  'Input-Segment': ['token_type_ids'],
  'Input-Position': ['position_ids'],
  'Encoder-Input-Token': ['input_ids'],
  'Decoder-Input-Token': ['decoder_input_ids', 'input_ids'],
  'Input-Context': ['encoder_hidden_states'],
};

const TOLERANCE = { hidden: 1e-4, pooled: 1e-4, logits: 1e-4, probabilities: 1e-5 };

/** Below this a relative difference says more about rounding than about the model. */
const SMALLEST = 1e-3;

/** Replays every run of a recording. @throws InputError when the model lacks an input or output that was recorded. */
export async function replayRuns(model: Model, recorded: RecordedCase): Promise<OutputDifference[]> {
  const differences: OutputDifference[] = [];
  for (const run of recorded.runs) {
    const graph = await model.openGraph(run.graph);
    const ports = run.outputs.map(output => portOf(output));
    const results = await graph.run(feedsOf(graph, run, recorded.file), ports);
    for (const [i, output] of run.outputs.entries()) {
      const tensor = results[ports[i] ?? ''];
      const difference = compare(output, recordedValues(output, recorded.file), tensor);
      const half = run.graph === 'model' ? '' : `, ${run.graph}`;
      differences.push({ what: `${run.label}${half}: ${output.name}`, ...difference });
    }
  }
  return differences;
}

/** Feeds by Keras' input names. @throws InputError for another name. */
function feedsOf(graph: GraphSession, { inputs }: RecordedRun, file: string): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, { data, shape }] of Object.entries(inputs)) {
    const port = portNamed(graph, name);
    if (typeof data !== 'string') feeds[port] = int64Tensor(data, shape);
    else feeds[port] = float32Tensor(recordedValues({ name, shape, data }, file), shape);
    // The reference's decoder sees the whole of a context that it is given.
    const [batch = 0, length = 0] = shape;
    const all = new Int32Array(batch * length).fill(1);
    if (port === 'encoder_hidden_states') feeds['encoder_attention_mask'] = int64Tensor(all, [batch, length]);
  }
  return feeds;
}

function portNamed(graph: GraphSession, name: string): string {
  const ports = Object.hasOwn(PORTS, name) ? (PORTS[name] ?? []) : [];
  const port = ports.find(port => graph.inputs.some(input => input.name === port)) ?? ports[0];
  if (port !== undefined) return port;
  throw new InputError({ what: 'recorded input', expected: `one of ${Object.keys(PORTS).join(', ')}`, found: name });
}

function portOf({ name, kind }: RecordedOutput): string {
  if (kind === 'hidden') return 'last_hidden_state';
  if (kind === 'pooled') return 'pooler_output';
  if (name.endsWith('Discriminator-Prediction')) return 'discriminator_logits';
  return name.endsWith('NSP-Proba') ? 'seq_relationship_logits' : 'logits';
}

/** Graphs end before the last activation; the recording's kind says whether the reference had applied it. */
function compare({ kind, shape }: RecordedOutput, wanted: Float32Array, tensor: Tensor | undefined) {
  const values = tensor?.data instanceof Float32Array ? tensor.data : new Float32Array();
  if (tensor?.shape.join() !== shape.join()) {
    throw new InputError({ what: 'output', expected: `shape [${shape}]`, found: `[${tensor?.shape ?? ''}]` });
  }
  const width = shape.at(-1) ?? 1;
  const found = kind !== 'probabilities' ? values : width === 1 ? values.map(sigmoid) : softmaxRows(values, width);
  let absolute = 0;
  let relative = 0;
  let pass = true;
  for (const [i, value] of wanted.entries()) {
    const difference = Math.abs((found[i] ?? Number.NaN) - value);
    if (!(difference <= TOLERANCE[kind] || difference <= 1e-4 * Math.abs(value))) pass = false;
    absolute = Number.isNaN(difference) ? Number.NaN : Math.max(absolute, difference);
    if (Math.abs(value) >= SMALLEST) relative = Math.max(relative, difference / Math.abs(value));
  }
  return { absolute, relative, pass };
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

function softmaxRows(logits: Float32Array, width: number): Float32Array {
  const scores = logits.slice();
  for (let start = 0; start < scores.length; start += width) {
    const row = scores.subarray(start, start + width);
    softmaxInPlace(
      row,
      row.reduce((a, b) => Math.max(a, b)),
    );
  }
  return scores;
}
