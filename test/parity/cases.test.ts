/**
 * Rung one of parity: every recorded case is converted from its checkpoint and run with ONNX Runtime, and each element of
 * each output is within 1e-4 of the reference (probabilities within 1e-5).
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { convertCase, type RecordedOutput, type RecordedRun, recordedCases } from './recorded-cases.ts';

/** The reference's inputs → the graph's. */
const INPUTS: Readonly<Record<string, string>> = {
  'Input-Token': 'input_ids',
  'Input-Segment': 'token_type_ids',
  'Input-Position': 'position_ids',
  'Encoder-Input-Token': 'input_ids',
  'Decoder-Input-Token': 'decoder_input_ids',
  'Input-Context': 'encoder_hidden_states',
};

/** The graphs' files. */
const FILES = { model: 'model.onnx', encoder: 'encoder_model.onnx', decoder: 'decoder_model.onnx' };

const TOLERANCE = { hidden: 1e-4, pooled: 1e-4, logits: 1e-4, probabilities: 1e-5 };

describe('recorded cases, from checkpoint to outputs', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-parity-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const recorded of recordedCases(Object.keys(architectures))) {
    it(recorded.name, async () => {
      const directory = path.join(folder, recorded.name);
      await convertCase(recorded, await directorySink(directory));
      for (const graph of new Set(recorded.runs.map(run => run.graph))) {
        const runs = recorded.runs.filter(run => run.graph === graph);
        await replayAll(path.join(directory, 'onnx', FILES[graph]), runs);
      }
    });
  }
});

async function replayAll(file: string, runs: readonly RecordedRun[]): Promise<void> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  try {
    for (const run of runs) await replay(session, run);
  } finally {
    await session.release();
  }
}

async function replay(session: InferenceSession, run: RecordedRun): Promise<void> {
  const results = await session.run(feedsOf(session, run));
  for (const output of run.outputs) {
    const tensor = results[portOf(output)];
    assert.ok(tensor?.data instanceof Float32Array, `${run.label}: no ${portOf(output)}`);
    assert.deepEqual(tensor.dims, output.shape, run.label);
    compare(output, tensor.data, run.label);
  }
}

function feedsOf(session: InferenceSession, { inputs }: RecordedRun): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, { shape, data }] of Object.entries(inputs)) {
    const port = INPUTS[name] ?? name;
    if (typeof data !== 'string') {
      // A decoder by itself has no other ids.
      const taken = session.inputNames.includes(port) ? port : 'input_ids';
      feeds[taken] = new Tensor('int64', BigInt64Array.from(data, BigInt), shape);
      continue;
    }
    feeds[port] = new Tensor('float32', new Float32Array(new Uint8Array(Buffer.from(data, 'base64')).buffer), shape);
    // The reference's decoder sees all of its context.
    const seen = shape.slice(0, 2);
    const all = new BigInt64Array(seen.reduce((product, size) => product * size, 1)).fill(1n);
    feeds['encoder_attention_mask'] = new Tensor('int64', all, seen);
  }
  return feeds;
}

function portOf({ name, kind }: RecordedOutput): string {
  if (kind === 'hidden') return 'last_hidden_state';
  if (kind === 'pooled') return 'pooler_output';
  if (name.endsWith('Discriminator-Prediction')) return 'discriminator_logits';
  return name.endsWith('NSP-Proba') ? 'seq_relationship_logits' : 'logits';
}

/** Graphs end before the last activation; the recording says whether the reference had applied it. */
function compare({ name, kind, shape, data }: RecordedOutput, values: Float32Array, label: string): void {
  const bytes = new Uint8Array(Buffer.from(data, 'base64'));
  const expected = new Float32Array(bytes.buffer);
  assert.equal(values.length, expected.length);
  const width = shape.at(-1) ?? 1;
  const found = kind !== 'probabilities' ? values : width === 1 ? values.map(sigmoid) : softmax(values, width);
  for (const [i, wanted] of expected.entries()) {
    const difference = Math.abs((found[i] ?? Number.NaN) - wanted);
    const close = difference <= TOLERANCE[kind] || difference <= 1e-4 * Math.abs(wanted);
    if (!close) assert.fail(`${label}, ${name}[${i}]: expected ${wanted}, found ${found[i]}`);
  }
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Softmax over the last axis, in double precision. */
function softmax(logits: Float32Array, width: number): Float64Array {
  const result = new Float64Array(logits.length);
  for (let row = 0; row < logits.length; row += width) {
    const values = logits.subarray(row, row + width);
    const highest = values.reduce((a, b) => Math.max(a, b));
    const sum = values.reduce((total, value) => total + Math.exp(value - highest), 0);
    for (const [i, value] of values.entries()) result[row + i] = Math.exp(value - highest) / sum;
  }
  return result;
}
