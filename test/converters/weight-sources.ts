/**
 * Where the weights of a small BERT come from in a checkpoint, for tests of naming schemes.
 */
import assert from 'node:assert/strict';
import type { Checkpoint } from '../../converters/checkpoint.ts';
import { recogniseNaming } from '../../converters/naming/index.ts';
import { reconcile } from '../../converters/reconcile.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { tinyLayers } from './fake-checkpoint.ts';

/** Keywords of a BERT with every head. */
export const ALL_HEADS: JsonObject = { with_pool: true, with_nsp: true, with_mlm: true };

/** Weight → name of the tensor that it is read from; fails when checkpoint and model differ. */
export function sources(
  checkpoint: Checkpoint,
  keywords: JsonObject = ALL_HEADS,
  prefix?: string,
): Record<string, string> {
  const layers = tinyLayers('bert', keywords);
  const naming = recogniseNaming(checkpoint, {
    architecture: 'bert',
    layers,
    ...(prefix === undefined ? {} : { prefix }),
  });
  const { matches, problems } = reconcile(layers, checkpoint, naming);
  assert.deepEqual(problems, []);
  return Object.fromEntries(
    matches.map(({ weight, source }) => [weight, source.kind === 'stored' ? source.tensor.name : source.kind]),
  );
}
