/**
 * Every recorded checkpoint converts with plain options, and every weight that comes out is, byte for byte, the one that
 * the reference holds after loading it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openCheckpoint } from '../../converters/formats.ts';
import { planModel } from '../../converters/plan-model.ts';
import { pieceMemory, type WeightValues, weightValues } from '../../converters/weight-values.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { directorySet } from '../../src/io/file-source.ts';
import { CASES, type RecordedCase, recordedCases } from '../parity/recorded-cases.ts';

const cases = recordedCases(Object.keys(architectures));

describe('weights of recorded checkpoints', () => {
  it('finds the cases', () => assert.ok(cases.length > 30));

  for (const recorded of cases) {
    it(`${recorded.name}: equal the reference's, byte for byte`, async () => {
      const folder = path.join(CASES, recorded.name);
      const config = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as JsonObject;
      const checkpoint = await openCheckpoint(directorySet(folder), recorded.checkpoint.path);
      const plan = planModel(checkpoint, { config, keywords: recorded.build });
      const weights = plan.weights.map(match => weightValues(match, { vocabulary: plan.pending, verify: true }));
      const hashes = new Map<string, string>();
      for (const values of weights) hashes.set(values.weight, await hash(values));
      await checkpoint.close();

      const expected = expectedHashes(recorded, plan.weights);
      assert.deepEqual([...expected.keys()].sort(), [...hashes.keys()].sort());
      for (const [weight, sha256] of expected)
        if (sha256 !== undefined) assert.equal(hashes.get(weight), sha256, weight);
    });
  }
});

async function hash(values: WeightValues): Promise<string> {
  const digest = createHash('sha256');
  for await (const piece of values.pieces(pieceMemory())) digest.update(piece);
  return digest.digest('hex');
}

/** `<layer>/<slot>` → recorded hash; weights of a layer are recorded in Keras' order. Computed tables have none. */
function expectedHashes(
  { build, weights }: RecordedCase,
  matches: readonly { readonly weight: string; readonly layer: { readonly name: string } }[],
): ReadonlyMap<string, string | undefined> {
  const prefix = typeof build['prefix'] === 'string' ? build['prefix'] : '';
  const slots = new Map<string, string[]>();
  for (const { weight, layer } of matches) slots.set(layer.name, [...(slots.get(layer.name) ?? []), weight]);
  return new Map(
    weights.map(({ name, sha256, computed }) => {
      const layer = name.split('/', 1)[0]?.slice(prefix.length) ?? '';
      return [slots.get(layer)?.shift() ?? name, computed === undefined ? sha256 : undefined];
    }),
  );
}
