/**
 * Replays recorded forward passes and compares every element: within 1e-4 of the reference, absolute or relative
 * (probabilities within 1e-5 absolute), never a mean.
 */
import { InputError } from '../core/errors.ts';
import { int64Tensor, type Tensor } from '../core/tensor.ts';
import { softmaxInPlace } from '../decode/exponential.ts';
import type { Model } from '../model.ts';
import { type RecordedCase, type RecordedInput, type RecordedOutput, recordedValues } from './recorded-case.ts';

/** How far one output is from its recording. */
export interface OutputDifference {
  readonly what: string;
  /** Largest absolute difference. */
  readonly absolute: number;
  /** Largest difference relative to the recorded value, among values of at least 1e-3. */
  readonly relative: number;
  readonly pass: boolean;
}

/** Keras' input names → ports. */
const PORTS: Readonly<Record<string, string>> = {
  'Input-Token': 'input_ids',
  'Input-Segment': 'token_type_ids',
  'Input-Position': 'position_ids',
};

const TOLERANCE = { hidden: 1e-4, pooled: 1e-4, logits: 1e-4, probabilities: 1e-5 };

/** Below this a relative difference says more about rounding than about the model. */
const SMALLEST = 1e-3;

/** Replays every run of a recording. @throws InputError when the model lacks an input or output that was recorded. */
export async function replayRuns(model: Model, recorded: RecordedCase): Promise<OutputDifference[]> {
  const graph = await model.openGraph('model');
  const differences: OutputDifference[] = [];
  for (const run of recorded.runs) {
    const ports = run.outputs.map(output => portOf(output));
    const results = await graph.run(feedsOf(run.inputs), ports);
    for (const [i, output] of run.outputs.entries()) {
      const tensor = results[ports[i] ?? ''];
      const difference = compare(output, recordedValues(output, recorded.file), tensor);
      differences.push({ what: `${run.label}: ${output.name}`, ...difference });
    }
  }
  return differences;
}

/** Feeds by Keras' input names. @throws InputError for another name. */
function feedsOf(inputs: Readonly<Record<string, RecordedInput>>): Record<string, Tensor> {
  const feeds = Object.entries(inputs).map(([name, { data, shape }]) => [portNamed(name), int64Tensor(data, shape)]);
  return Object.fromEntries(feeds);
}

function portNamed(name: string): string {
  const port = Object.hasOwn(PORTS, name) ? PORTS[name] : undefined;
  if (port !== undefined) return port;
  throw new InputError({ what: 'recorded input', expected: `one of ${Object.keys(PORTS).join(', ')}`, found: name });
}

function portOf({ name, kind }: RecordedOutput): string {
  if (kind === 'hidden') return 'last_hidden_state';
  if (kind === 'pooled') return 'pooler_output';
  return name.endsWith('NSP-Proba') ? 'seq_relationship_logits' : 'logits';
}

/** Graphs end before the last activation; the recording's kind says whether the reference had applied it. */
function compare({ kind, shape }: RecordedOutput, wanted: Float32Array, tensor: Tensor | undefined) {
  const values = tensor?.data instanceof Float32Array ? tensor.data : new Float32Array();
  if (tensor?.shape.join() !== shape.join()) {
    throw new InputError({ what: 'output', expected: `shape [${shape}]`, found: `[${tensor?.shape ?? ''}]` });
  }
  const found = kind === 'probabilities' ? softmaxRows(values, shape.at(-1) ?? 1) : values;
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
