/**
 * Rotary positions and normalisation by the root mean square against the plainest loops in double precision.
 */
import assert from 'node:assert/strict';
import type { Attention } from '../../onnx-graphs/layers/attention.ts';
import { rmsNormWith } from '../../onnx-graphs/layers/rms-norm.ts';
import { rotaryAttention } from '../../onnx-graphs/layers/rotary.ts';
import { sineAndCosine } from '../../onnx-graphs/layers/sine-cosine.ts';
import { add, sub } from '../../onnx-graphs/ops/elementwise.ts';
import { matrix } from './naive.ts';
import { openGraph, randomNumbers } from './run-graph.ts';

const SIZE = 6;

describe('rotary positions', () => {
  it('turn neighbours in queries and keys by the angles of their positions, far away too', async () => {
    const positions = [0, 1, 2, 63, 511, 4095];
    const heads = ['B', 1, 'T', SIZE];
    /** Stands in for attention: gives turned queries minus turned keys, plus values as they are. */
    const difference: Attention = {
      rows: (_g, _layer, x) => x,
      attend(g, _layer, { query, key, value }) {
        const context = add(g, sub(g, query, key), value);
        return { context, scores: context };
      },
    };
    const graph = await openGraph(g => {
      const at = { positions: g.input('positions', 'int64', ['B', 'T']), keySize: SIZE };
      const [query, key, value] = [
        g.input('q', 'float32', heads),
        g.input('k', 'float32', heads),
        g.input('v', 'float32', heads),
      ];
      return rotaryAttention(g, difference, at).attend(g, 0, { query, key, value }, undefined).context;
    });
    const shape = [1, 1, positions.length, SIZE];
    const [q, k, v] = ['q', 'k', 'v'].map(name => randomNumbers(positions.length * SIZE, name));
    assert.ok(q && k && v);
    const { y } = await graph.run({
      positions: { shape: [1, positions.length], data: positions },
      q: { shape, data: q },
      k: { shape, data: k },
      v: { shape, data: v },
    });
    const turned = (values: readonly number[]) =>
      matrix(values, SIZE).flatMap((row, i) => turn(row, positions[i] ?? 0));
    const [queries, keys] = [turned(q), turned(k)];
    queries.forEach((query, i) => {
      const expected = query - (keys[i] ?? 0) + (v[i] ?? 0);
      // Angles are float32, as in the reference: at 4095 they are exact to 2.4e-4.
      assert.ok(Math.abs((y?.data[i] ?? Number.NaN) - expected) < 1e-3, `${i}: ${y?.data[i]}, not ${expected}`);
      if (i < 3 * SIZE) assert.ok(Math.abs((y?.data[i] ?? Number.NaN) - expected) < 1e-6, `${i}: near`);
    });
    await graph.release();
  });
});

describe('sine and cosine', () => {
  it('are right to 1e-6 from 0 to 65,536', async () => {
    const angles = Float32Array.from([
      ...[0, 1e-3, 0.5, 1, 2],
      ...[1, 2, 3, 4].flatMap(k => [(k * Math.PI) / 2 - 1e-4, (k * Math.PI) / 2 + 1e-4]),
      ...randomNumbers(500, 'small').map(x => Math.abs(x) * 20),
      ...randomNumbers(500, 'large').map(x => Math.abs(x) * 65_536),
    ]);
    const shape = [angles.length];
    for (const name of ['sine', 'cosine'] as const) {
      const graph = await openGraph(g => sineAndCosine(g, g.input('x', 'float32', ['T']))[name]);
      const { y } = await graph.run({ x: { shape, data: angles } });
      angles.forEach((angle, i) => {
        const wanted = name === 'sine' ? Math.sin(angle) : Math.cos(angle);
        assert.ok(
          Math.abs((y?.data[i] ?? Number.NaN) - wanted) < 1e-6,
          `${name} ${angle}: ${y?.data[i]}, not ${wanted}`,
        );
      });
      await graph.release();
    }
  });
});

describe('normalisation by the root mean square', () => {
  it('divides by √(mean(x²) + ε)', async () => {
    const graph = await openGraph(g => rmsNormWith(1e-2)(g, 'Norm', g.input('x', 'float32', ['T', SIZE])));
    const x = randomNumbers(3 * SIZE, 'rms');
    const { y } = await graph.run({ x: { shape: [3, SIZE], data: x } });
    const expected = matrix(x, SIZE).flatMap(row => {
      const square = row.reduce((sum, value) => sum + value * value, 0) / SIZE;
      return row.map(value => value / Math.sqrt(square + 1e-2));
    });
    expected.forEach((wanted, i) => {
      assert.ok(Math.abs((y?.data[i] ?? Number.NaN) - wanted) < 1e-6, `${i}: ${y?.data[i]}, not ${wanted}`);
    });
    await graph.release();
  });
});

/** (x₂ᵢ cos a - x₂ᵢ₊₁ sin a, x₂ᵢ₊₁ cos a + x₂ᵢ sin a) with a = p · 10000^(-2i/H) */
function turn(row: readonly number[], position: number): number[] {
  return row.map((value, j) => {
    const angle = position * 10000 ** ((-2 * Math.floor(j / 2)) / SIZE);
    const neighbour = row[j % 2 === 0 ? j + 1 : j - 1] ?? Number.NaN;
    return value * Math.cos(angle) + (j % 2 === 0 ? -neighbour : neighbour) * Math.sin(angle);
  });
}
