import assert from 'node:assert/strict';
import { SessionError } from '../../src/core/errors.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { ArrayMemory } from '../../src/session/array-memory.ts';
import { float32Output } from '../../src/session/float32-output.ts';
import type { GraphSession } from '../../src/session/session.ts';

const int32: Tensor = { dtype: 'int32', shape: [1], data: new Int32Array(1) };
const float32: Tensor = { dtype: 'float32', shape: [1], data: new Float32Array(1) };

describe('outputs', () => {
  it('must be there as float32', () => {
    assert.throws(() => float32Output({ y: int32 }, 'y'), /output "y"; expected float32; found int32/);
    assert.throws(() => float32Output({}, 'y'), SessionError);
  });

  it('of a step too: a cache takes nothing else', async () => {
    const memoryOver = (outputs: Readonly<Record<string, Tensor>>) => {
      const device = { device: 'cpu', reason: 'test' } as const;
      const run = async () => outputs;
      const session: GraphSession = { device, inputs: [], outputs: [], run, dispose: async () => undefined };
      const sizes = { layers: 1, heads: 1, headSize: 1, keySize: 1, hidden: 1, vocabSize: 1, segmentVocabSize: 0 };
      return new ArrayMemory(session, { ...sizes, maxPositions: null });
    };
    const none = { first: 0, count: 0, slots: 0 };
    const rows = { 'new_key.0': float32, 'new_value.0': float32 };
    assert.equal(await memoryOver({ ...rows, logits: float32 }).run({}, none, 'logits'), float32.data);
    await assert.rejects(
      memoryOver({ ...rows, logits: int32 }).run({}, none, 'logits'),
      /output "logits".*found int32/,
    );
    await assert.rejects(
      memoryOver({ 'new_key.0': float32, logits: float32 }).run({}, none, 'logits'),
      /"new_value.0"/,
    );
  });
});
