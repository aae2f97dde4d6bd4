/**
 * Forward passes of an example, element-wise against the recorded probabilities.
 */
import assert from 'node:assert/strict';
import { int64Tensor } from '../../src/core/tensor.ts';
import type { Model } from '../../src/model.ts';
import type { RecordedForward } from './example-models.ts';

/** Fails unless each recorded probability is within 1e-4. */
export async function compareForward(model: Model, recorded: RecordedForward): Promise<void> {
  const graph = await model.openGraph('model');
  const [, width] = recorded.shape;
  const shape = [1, recorded.token_ids.length];
  const { logits } = await graph.run(
    {
      input_ids: int64Tensor(recorded.token_ids, shape),
      ...(recorded.segment_ids && { token_type_ids: int64Tensor(recorded.segment_ids, shape) }),
    },
    ['logits'],
  );
  assert.ok(logits?.dtype === 'float32');
  const expected = new Float32Array(new Uint8Array(Buffer.from(recorded.probas, 'base64')).buffer);
  for (const [i, position] of recorded.positions.entries()) {
    const row = softmax(logits.data.subarray(position * width, (position + 1) * width));
    for (const [token, found] of row.entries()) {
      const wanted = expected[i * width + token] ?? Number.NaN;
      const close = Math.abs(found - wanted) <= 1e-4;
      if (!close) assert.fail(`${recorded.id}, position ${position}, token ${token}: ${wanted}, found ${found}`);
    }
  }
}

function softmax(logits: Float32Array): Float64Array {
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const weights = Float64Array.from(logits, logit => Math.exp(logit - highest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / sum);
}
