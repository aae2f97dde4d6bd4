/**
 * Layers against the plainest loops in double precision, written from the papers' formulas.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { activate, activationNamed, activationNames } from '../../onnx-graphs/layers/activation.ts';
import { fullAttention, selfAttention } from '../../onnx-graphs/layers/attention.ts';
import { learnedPositions } from '../../onnx-graphs/layers/embeddings.ts';
import { feedForward } from '../../onnx-graphs/layers/feed-forward.ts';
import { layerNorm } from '../../onnx-graphs/layers/layer-norm.ts';
import { attentionBias } from '../../onnx-graphs/layers/masks.ts';
import { sequenceRelativeTerms } from '../../onnx-graphs/layers/sequence-relative.ts';
import { slotRelativeTerms } from '../../onnx-graphs/layers/slot-relative.ts';
import { gather } from '../../onnx-graphs/ops/indexing.ts';
import type { AttentionRules } from '../../src/core/manifest.ts';
import { dot, matrix, product, type Rows, softmax } from './naive.ts';
import { type Numbers, openGraph, openTiny, type RunnableGraph, randomNumbers } from './run-graph.ts';

describe('activations', () => {
  const inputs = [-30, -3, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 3, 12];
  const erf = (x: number): number => integral(t => (2 / Math.sqrt(Math.PI)) * Math.exp(-t * t), x);
  const expected: Readonly<Record<string, (x: number) => number>> = {
    linear: x => x,
    gelu: x => 0.5 * x * (1 + erf(x / Math.SQRT2)),
    gelu_erf: x => 0.5 * x * (1 + erf(x / Math.SQRT2)),
    gelu_tanh: x => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    relu: x => Math.max(0, x),
    leaky_relu: x => (x < 0 ? 0.2 * x : x),
    swish: x => x / (1 + Math.exp(-x)),
    tanh: Math.tanh,
    sigmoid: x => 1 / (1 + Math.exp(-x)),
    hard_sigmoid: x => Math.min(1, Math.max(0, 0.2 * x + 0.5)),
    softmax: x => Math.exp(x) / inputs.reduce((sum, value) => sum + Math.exp(value), 0),
    softplus: x => Math.log1p(Math.exp(x)),
    softsign: x => x / (1 + Math.abs(x)),
    elu: x => (x < 0 ? Math.expm1(x) : x),
    selu: x => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * Math.expm1(x) : x),
    exponential: Math.exp,
  };
  for (const name of activationNames()) {
    it(name, async () => {
      const activation = activationNamed(name, 'erf');
      const formula = expected[name];
      assert.ok(activation && formula);
      const graph = await openGraph(g => {
        const x = g.input('x', 'float32', ['T']);
        return gather(g, activate(g, activation, x), g.input('all', 'int64', ['T']));
      });
      const shape = [inputs.length];
      const { y } = await graph.run({ x: { shape, data: inputs }, all: { shape, data: inputs.map((_, i) => i) } });
      assertClose(
        y,
        inputs.map(x => formula(x)),
        1e-6,
      );
    });
  }

  it('gelu means the other form when the program says so', () => {
    assert.deepEqual(
      [activationNamed('gelu', 'tanh'), activationNamed('gelu', 'erf'), activationNamed('mish', 'erf')],
      ['gelu_tanh', 'gelu_erf', undefined],
    );
  });
});

describe('layer normalisation', () => {
  it('normalises the last axis, epsilon under the root', async () => {
    const graph = await openGraph(g => layerNorm(g, 'Norm', g.input('x', 'float32', ['T', 8]), 1e-2));
    const x = randomNumbers(24, 'norm').map(value => 0.05 * value);
    const { y } = await graph.run({ x: { shape: [3, 8], data: x } });
    const [gamma, beta] = [weight(graph, 'Norm/gamma'), weight(graph, 'Norm/beta')];
    const expected = matrix(x, 8).flatMap(row => {
      const mean = row.reduce((sum, value) => sum + value, 0) / 8;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 8;
      return row.map((value, i) => ((gamma[i] ?? 0) * (value - mean)) / Math.sqrt(variance + 1e-2) + (beta[i] ?? 0));
    });
    assertClose(y, expected, 1e-6);
  });
});

describe('feed-forward network', () => {
  it('multiplies its gates', async () => {
    const sizes = { hiddenSize: 4, intermediateSize: 6, hiddenAct: ['tanh', 'linear', 'sigmoid'] as const };
    const graph = await openGraph(g => feedForward(g, 'FFN', g.input('x', 'float32', ['B', 'T', 4]), sizes));
    const x = randomNumbers(8, 'ffn');
    const { y } = await graph.run({ x: { shape: [1, 2, 4], data: x } });
    const [first, second, third] = ['intermediate', 'gate-1', 'gate-2'].map(part =>
      dense(graph, `FFN/${part}`, matrix(x, 4)),
    );
    const inner = first?.map((row, t) =>
      row.map((value, i) => (Math.tanh(value) * (second?.[t]?.[i] ?? 0)) / (1 + Math.exp(-(third?.[t]?.[i] ?? 0)))),
    );
    assertClose(y, dense(graph, 'FFN/output', inner ?? []).flat(), 1e-5);
  });
});

describe('hierarchical positions', () => {
  for (const given of ['ids', 'places'] as const) {
    it(`stretch a table over the square of its rows, from ${given}`, async () => {
      const [alpha, m, width] = [0.3, 4, 6];
      const size = { rows: m, width, hierarchical: { alpha, period: m } };
      const graph = await openGraph(g => {
        const ids = g.input('ids', 'int64', ['B', 'T']);
        return learnedPositions(g, 'Positions', size, given === 'ids' ? { ids } : { tokens: ids });
      });
      const ids = given === 'ids' ? [0, 15, 3, 4, 9] : [0, 1, 2, 3, 4];
      const { y } = await graph.run({ ids: { shape: [1, 5], data: ids } });
      const table = matrix(weight(graph, 'Positions/embeddings'), width);
      const base = table.map(row => row.map((value, i) => (value - alpha * (table[0]?.[i] ?? 0)) / (1 - alpha)));
      const expected = ids.flatMap(p =>
        (base[Math.floor(p / m)] ?? []).map((coarse, i) => alpha * coarse + (1 - alpha) * (base[p % m]?.[i] ?? 0)),
      );
      assertClose(y, expected, 1e-6);
    });
  }

  it('without them, a sequence longer than the table is an error', async () => {
    const tiny = await openTiny('gpt2', { max_position: 5 });
    const run = (length: number) => tiny.model.run({ input_ids: { shape: [1, length], data: Array(length).fill(1) } });
    assert.deepEqual((await run(5))['logits']?.shape, [1, 5, 30]);
    await assert.rejects(run(6), /Embedding-Add/);
  });
});

describe('attention mask', () => {
  const rules: readonly AttentionRules[] = (['padding', 'causal', 'prefix'] as const).flatMap(visibility =>
    [false, true].map(segmentPadding => ({ visibility, segmentPadding })),
  );
  for (const rule of rules) {
    it(`follows ${rule.visibility}${rule.segmentPadding ? ' with segment padding' : ''}`, async () => {
      const graph = await openGraph(g => {
        const [tokens, segments] = [g.input('tokens', 'int64', ['B', 'T']), g.input('segments', 'int64', ['B', 'T'])];
        return attentionBias(g, { tokens, segments }, rule);
      });
      const ids = fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(ids, async pairs => {
          const [tokens, segments] = [pairs.map(([token]) => token), pairs.map(([, segment]) => segment)];
          const shape = [1, pairs.length];
          const { y } = await graph.run({ tokens: { shape, data: tokens }, segments: { shape, data: segments } });
          const rows = rule.visibility === 'padding' ? [0] : tokens.map((_, q) => q);
          const expected = rows.flatMap(q => tokens.map((_, k) => sees(rule, { tokens, segments }, q, k)));
          assert.deepEqual(
            Array.from(y?.data ?? [], value => value === 0),
            expected,
          );
        }),
        { numRuns: 40 },
      );
    });
  }

  it('gives hidden positions a weight of exactly zero', async () => {
    const tiny = await openTiny('nezha', { with_mlm: true });
    const run = (hidden: number[]) => {
      const data = [5, 6, 0, 7, 8];
      const segments = data.map((_, i) => (i === 2 ? (hidden[0] ?? 0) : 0));
      const shape = [1, data.length];
      return tiny.model.run({ input_ids: { shape, data }, token_type_ids: { shape, data: segments } });
    };
    const [one, other] = [rowsWithout(await run([0]), 2), rowsWithout(await run([1]), 2)];
    assert.deepEqual(one, other); // the hidden position holds something else, and nobody notices
  });
});

describe('self-attention', () => {
  const sizes = { hiddenSize: 8, heads: 2, headSize: 3, keySize: 6 };

  it('is softmax(q kᵀ / √d + mask) v, with other sizes for values than for keys', async () => {
    const graph = await openGraph(g => {
      const x = g.input('x', 'float32', ['B', 'T', 8]);
      const attention = fullAttention(g.input('bias', 'float32', ['B', 1, 'T', 'T']));
      return selfAttention(g, { layer: 'A', index: 0 }, x, { sizes, attention }).output;
    });
    const [x, length] = [randomNumbers(40, 'attention'), 5];
    const bias = Array.from({ length: 25 }, (_, i) => (i % 5 <= Math.floor(i / 5) ? 0 : -3.4028234663852886e38));
    const { y } = await graph.run({
      x: { shape: [1, length, 8], data: x },
      bias: { shape: [1, 1, length, length], data: bias },
    });
    const [q, k, v] = ['query', 'key', 'value'].map(part => dense(graph, `A/${part}`, matrix(x, 8)));
    const context = (q ?? []).map((query, t) =>
      [0, 1].flatMap(head => {
        const of = (row: readonly number[], size: number) => row.slice(head * size, (head + 1) * size);
        const keys = (k ?? []).slice(0, t + 1);
        const weights = softmax(keys.map(key => dot(of(query, 6), of(key, 6)) / Math.sqrt(6)));
        return product(
          [weights],
          (v ?? []).slice(0, t + 1).map(value => of(value, 3)),
        ).flat();
      }),
    );
    assertClose(y, dense(graph, 'A/output', context).flat(), 1e-5);
  });
});

describe('relative positions', () => {
  const [heads, size] = [2, 4];
  const shapes = { q: ['B', heads, 'T', size], s: ['B', heads, 'T', 'T'], c: ['B', heads, 'T', size] } as const;

  for (const form of ['sequence', 'causal sequence', 'slots'] as const) {
    it(`of ${form}: term by term, beyond ±64 too`, async () => {
      const open = (output: 'scores' | 'context') =>
        openGraph(g => {
          const table = { table: g.weight('R', 'embeddings', [129, size]), heads };
          const tokens = g.input('tokens', 'int64', ['B', 'T']);
          const past = g.input('past', 'int64', ['B', 'P']);
          const terms =
            form === 'slots'
              ? slotRelativeTerms(table, past)(g, { queries: tokens, rows: tokens })
              : sequenceRelativeTerms(g, table, { tokens, causal: form === 'causal sequence' });
          const slots = form === 'slots' ? 'P+T' : 'T';
          const scores = g.input('s', 'float32', [...shapes.s.slice(0, 3), slots]);
          if (output === 'scores') return terms.onScores(g, scores, g.input('q', 'float32', shapes.q));
          return terms.onContext(g, g.input('c', 'float32', shapes.c), scores);
        });
      for (const length of [1, 3, 70, 200]) {
        const rows = form === 'slots' ? Math.min(3, length) : length;
        await compareRelative(form, { length, rows }, { scores: await open('scores'), context: await open('context') });
      }
    });
  }

  async function compareRelative(
    form: string,
    { length, rows }: { readonly length: number; readonly rows: number },
    graphs: { readonly scores: RunnableGraph; readonly context: RunnableGraph },
  ) {
    const past = length - rows;
    const positions = form === 'slots' ? scattered(length) : Array.from({ length }, (_, i) => i);
    const queries = positions.slice(past);
    const q = randomNumbers(heads * rows * size, 'q');
    const weights = Array.from({ length: heads * rows }, (_, row) =>
      softmax(positions.map((_, k) => (form.startsWith('causal') && k > row % rows ? -Infinity : Math.sin(row + k)))),
    );
    const feeds = {
      tokens: { shape: [1, rows], data: queries },
      past: { shape: [1, past], data: positions.slice(0, past) },
      q: { shape: [1, heads, rows, size], data: q },
      c: { shape: [1, heads, rows, size], data: q },
      s: { shape: [1, heads, rows, length], data: weights.flat() },
    };
    const table = matrix(weight(graphs.scores, 'R/embeddings'), size);
    const row = (i: number, k: number): readonly number[] => {
      const distance = (positions[k] ?? 0) - (queries[i % rows] ?? 0);
      return table[Math.min(64, Math.max(-64, distance)) + 64] ?? [];
    };
    const expectedScores = matrix(q, size).flatMap((query, i) =>
      positions.map((_, k) => (weights[i]?.[k] ?? 0) + dot(query, row(i, k))),
    );
    assertClose((await runDeclared(graphs.scores, feeds))['y'], expectedScores, 1e-5);
    const expectedContext = matrix(q, size).flatMap((context, i) =>
      context.map(
        (value, d) =>
          value +
          dot(
            weights[i] ?? [],
            positions.map((_, k) => row(i, k)[d] ?? 0),
          ),
      ),
    );
    assertClose((await runDeclared(graphs.context, feeds))['y'], expectedContext, 1e-5);
  }
});

/** Positions all over the place, some of them twice. */
function scattered(length: number): number[] {
  return Array.from({ length }, (_, i) => (i * 37) % 150);
}

function runDeclared(graph: RunnableGraph, feeds: Readonly<Record<string, Numbers>>) {
  const declared = new Set(graph.plan.inputs.map(({ name }) => name));
  return graph.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => declared.has(name))));
}

function sees(
  rules: AttentionRules,
  { tokens, segments }: { readonly tokens: readonly number[]; readonly segments: readonly number[] },
  q: number,
  k: number,
): boolean {
  const sum = (end: number): number => segments.slice(0, end + 1).reduce((total, segment) => total + segment, 0);
  if (k > 0 && (tokens[k] === 0 || (rules.segmentPadding && segments[k] === 0))) return false;
  return { padding: true, causal: k <= q, prefix: sum(k) <= sum(q) }[rules.visibility];
}

function rowsWithout(outputs: Readonly<Record<string, Numbers>>, hidden: number): number[][] {
  const { shape = [], data = [] } = outputs['logits'] ?? {};
  return matrix(Array.from(data), shape.at(-1) ?? 1).filter((_, row) => row !== hidden);
}

function dense(graph: RunnableGraph, name: string, x: Rows): number[][] {
  const bias = weight(graph, `${name}/bias`);
  return product(x, matrix(weight(graph, `${name}/kernel`), bias.length)).map(row =>
    row.map((value, i) => value + (bias[i] ?? 0)),
  );
}

function weight(graph: RunnableGraph, name: string): readonly number[] {
  return Array.from(graph.weights.get(name) ?? []);
}

/** ∫₀ˣ f by Simpson's rule. */
function integral(f: (t: number) => number, x: number): number {
  const steps = 2000;
  const h = x / steps;
  let sum = f(0) + f(x);
  for (let i = 1; i < steps; i++) sum += f(i * h) * (i % 2 === 0 ? 2 : 4);
  return (sum * h) / 3;
}

function assertClose(found: Numbers | undefined, expected: readonly number[], tolerance: number): void {
  assert.equal(found?.data.length, expected.length);
  for (const [i, wanted] of expected.entries()) {
    const difference = Math.abs((found?.data[i] ?? Number.NaN) - wanted);
    if (!(difference <= tolerance * Math.max(1, Math.abs(wanted))))
      assert.fail(`[${i}]: ${found?.data[i]}, not ${wanted}`);
  }
}
