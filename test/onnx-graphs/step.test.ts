/**
 * The generation graph gives what the whole forward pass gives, however a sequence is split into steps and whatever else
 * lies in the cache.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { outputStepLogits } from '../../onnx-graphs/layers/top-tokens.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import { unary } from '../../onnx-graphs/ops/elementwise.ts';
import type { AttentionRules } from '../../src/core/manifest.ts';
import { assertClose, joined, range, rowsOf } from './arrays.ts';
import { type Numbers, openPlan, openTiny, type RunnableGraph, type TinyModel } from './run-graph.ts';
import { assertTopTokens, topK } from './top-tokens.ts';
import { type Batch, sequenceBatch, VOCABULARY, wholeLogits } from './whole-sequences.ts';

/** Model and keywords; `longest` reaches beyond ±64 where positions are relative. */
const MODELS: readonly (readonly [model: string, keywords: JsonObject, longest?: number])[] = [
  ['bert', { application: 'lm', segment_vocab_size: 0 }],
  ['bert', { application: 'unilm' }],
  ['bert', { application: 'lm', hierarchical_position: true, max_position: 8, embedding_size: 8 }],
  ['bert', { application: 'lm', attention_key_size: 6, attention_head_size: 10, custom_position_ids: true }],
  ['albert', { application: 'lm', num_hidden_layers: 3 }],
  ['albert', { application: 'unilm', embedding_size: 8 }],
  ['albert_unshared', { application: 'unilm' }],
  ['nezha', { application: 'lm', custom_position_ids: true }, 150],
  ['nezha', { application: 'unilm' }, 150],
  ['roformer', { application: 'lm', attention_key_size: 6, attention_head_size: 10 }],
  ['roformer', { application: 'unilm', custom_position_ids: true }],
  ['roformer_v2', { application: 'lm', hidden_act: ['gelu', 'linear'] }],
  ['roformer_v2', { application: 'unilm' }, 150],
  ['gpt', {}],
  ['gpt', { application: 'unilm' }],
  ['gpt', { shared_segment_embeddings: true, segment_vocab_size: VOCABULARY }],
  ['gpt2', {}],
  ['gpt2_ml', {}],
];

for (const [name, keywords, longest = 30] of MODELS) {
  describe(`generation graph of ${name} ${JSON.stringify(keywords)}`, () => {
    let tiny: TinyModel;
    before(async () => {
      tiny = await openTiny(name, keywords);
    });
    after(async () => {
      await tiny.model.release();
      await tiny.step?.release();
    });

    it('agrees with the whole model on any split of any sequence', () =>
      fc.assert(
        fc.asyncProperty(sequenceBatch(longest), fc.array(fc.nat(longest)), async (batch, cuts) => {
          const whole = await wholeLogits(tiny, batch);
          const { found, rows } = await steppedLogits(tiny, batch, cuts);
          assertClose(found, rowsOf(whole, rows), 1e-5);
        }),
        { numRuns: 25 },
      ));

    it('computes branches side by side as if each were alone', async () => {
      const branches = [
        [3, 4, 5, 6, 7],
        [3, 4, 5, 8, 9],
      ];
      const tree = { tokens: [3, 4, 5, 6, 7, 8, 9], positions: [0, 1, 2, 3, 4, 3, 4], parents: [-1, 0, 1, 2, 3, 2, 5] };
      const leaves = await treeLogits(tiny, tree, [4, 6]);
      for (const [i, tokens] of branches.entries()) {
        const segments = tokens.map((_, at) => (at === 0 ? 0 : 1));
        const whole = await wholeLogits(tiny, { tokens: [tokens], segments: [segments] });
        assertClose(leaves.slice(i * VOCABULARY, (i + 1) * VOCABULARY), rowsOf(whole, [tokens.length - 1]), 1e-5);
      }
    });
  });
}

describe('generation graph', () => {
  it('takes one mask for all sequences, and no rows to read', async () => {
    const tiny = await openTiny('gpt2', {});
    const feeds = {
      input_ids: { shape: [2, 3], data: [4, 5, 6, 7, 8, 9] },
      position_ids: { shape: [2, 3], data: [0, 1, 2, 0, 1, 2] },
      ...topK(2),
      ...emptyCache(tiny, 2),
    };
    const causal = [1, 0, 0, 1, 1, 0, 1, 1, 1];
    const both = { shape: [2, 3, 3], data: [...causal, ...causal] };
    const rows = { shape: [2, 1], data: [2, 2] };
    const separate = await tiny.step?.run({ ...feeds, visible: both, logit_rows: rows });
    const shared = await tiny.step?.run({ ...feeds, visible: { shape: [1, 3, 3], data: causal }, logit_rows: rows });
    assert.deepEqual(shared?.['logits'], separate?.['logits']);
    const none = await tiny.step?.run({ ...feeds, visible: both, logit_rows: { shape: [2, 0], data: [] } });
    assert.deepEqual(none?.['logits']?.shape, [2, 0, VOCABULARY]);
    assert.deepEqual(none?.['new_key.1'], separate?.['new_key.1']);
    assert.deepEqual(none?.['top_tokens']?.shape, [1, 1, 1]);
  });

  it('names any number of the likeliest tokens, of equal ones the lower id first, and none where none are asked for', async () => {
    const graph = await openOutputs();
    const logits = { shape: [1, 2, 5], data: [1, 3, 3, -2, 3, 0, 0, 0, Number.NEGATIVE_INFINITY, 0] };
    for (const count of [1, 2, 3, 4, 5]) assertTopTokens(await graph.run({ x: logits, ...topK(count) }), count);
    assert.deepEqual((await graph.run({ x: logits, ...topK(0) }))['top_tokens'], {
      shape: [1, 1, 1],
      data: Float64Array.of(0),
    });
    const broken = await graph.run({ x: { shape: [1, 1, 3], data: [1, Number.NaN, 2] }, ...topK(1) });
    assert.ok(Number.isNaN(broken['top_tokens']?.data[2]), 'and says where a row has no likeliest token');
  });
});

/** The outputs of a step over logits that are fed. */
function openOutputs(): Promise<RunnableGraph> {
  const g = new GraphBuilder('outputs');
  outputStepLogits(g, unary(g, 'Identity', g.input('x', 'float32', ['B', 'K', 'V'])));
  return openPlan(g.plan());
}

/** Feeds the batch in steps that end at the cuts where that is possible, reading every second row of each step. */
async function steppedLogits(tiny: TinyModel, batch: Batch, cuts: readonly number[]) {
  const length = batch.tokens[0]?.length ?? 0;
  const seen = batch.tokens.map((tokens, b) => visibility(tiny.facts.attention, tokens, batch.segments[b] ?? []));
  const ends = [...new Set([...cuts, length])]
    .filter(end => end > 0 && end <= length && seen.every(rows => !looksAcross(rows, end)))
    .sort((a, b) => a - b);
  let cache = emptyCache(tiny, batch.tokens.length);
  let start = 0;
  const found: number[][] = batch.tokens.map(() => []);
  const rows: number[] = [];
  for (const end of ends) {
    const read = range(start, end).filter(row => row % 2 === 0 || row === end - 1);
    const slice = (values: readonly (readonly number[])[]): Numbers => ({
      shape: [values.length, end - start],
      data: values.flatMap(row => row.slice(start, end)),
    });
    const result = await tiny.step?.run({
      input_ids: slice(batch.tokens),
      ...(tiny.facts.dimensions.segmentVocabSize > 0 && { token_type_ids: slice(batch.segments) }),
      position_ids: slice(batch.tokens.map(() => range(0, length))),
      visible: {
        shape: [seen.length, end - start, end],
        data: seen.flatMap(matrix => matrix.slice(start, end).flatMap(row => row.slice(0, end))),
      },
      logit_rows: {
        shape: [batch.tokens.length, read.length],
        data: batch.tokens.flatMap(() => read.map(row => row - start)),
      },
      ...topK(3),
      ...cache,
    });
    assert.ok(result?.['logits']);
    assertTopTokens(result, 3);
    const perSequence = read.length * VOCABULARY;
    const logits = Array.from(result['logits'].data);
    for (const [b, into] of found.entries()) into.push(...logits.slice(b * perSequence, (b + 1) * perSequence));
    rows.push(...read);
    cache = appended(tiny, cache, result, range(start, end));
    start = end;
  }
  return { found: found.flat(), rows };
}

/** All nodes of a tree in one step over an empty cache; logits of the nodes in `read`. */
async function treeLogits(
  tiny: TinyModel,
  tree: { readonly tokens: number[]; readonly positions: number[]; readonly parents: number[] },
  read: readonly number[],
): Promise<number[]> {
  const size = tree.tokens.length;
  const ancestors = tree.parents.map((_, node) => {
    const seen = new Set<number>();
    for (let at = node; at >= 0; at = tree.parents[at] ?? -1) seen.add(at);
    return range(0, size).map(slot => Number(seen.has(slot)));
  });
  const shape = [1, size];
  const result = await tiny.step?.run({
    input_ids: { shape, data: tree.tokens },
    ...(tiny.facts.dimensions.segmentVocabSize > 0 && {
      token_type_ids: { shape, data: tree.parents.map(parent => (parent < 0 ? 0 : 1)) },
    }),
    position_ids: { shape, data: tree.positions },
    visible: { shape: [1, size, size], data: ancestors.flat() },
    logit_rows: { shape: [1, read.length], data: read },
    ...topK(0),
    ...emptyCache(tiny, 1),
  });
  return Array.from(result?.['logits']?.data ?? []);
}

/** visible[q][k] by the rules of the manifest, in the plainest way. */
function visibility(rules: AttentionRules, tokens: readonly number[], segments: readonly number[]): number[][] {
  const sums = segments.map((_, i) => segments.slice(0, i + 1).reduce((sum, segment) => sum + segment, 0));
  const padding = (k: number): boolean =>
    k > 0 && (tokens[k] === 0 || (rules.segmentPadding && (segments[k] ?? 0) === 0));
  const hidden = (q: number, k: number): boolean => {
    if (rules.visibility === 'causal') return k > q;
    return rules.visibility === 'prefix' && (sums[k] ?? 0) > (sums[q] ?? 0);
  };
  return tokens.map((_, q) => tokens.map((_, k) => Number(!padding(k) && !hidden(q, k))));
}

/** Whether a row before `end` sees a position from `end` on. */
function looksAcross(rows: readonly (readonly number[])[], end: number): boolean {
  return rows.slice(0, end).some(row => row.slice(end).includes(1));
}

type Cache = Readonly<Record<string, Numbers>>;

function emptyCache({ facts, step }: TinyModel, batch: number): Cache {
  const { layers, heads, keySize, headSize } = facts.dimensions;
  const empty = (shape: readonly number[]): Numbers => ({ shape, data: [] });
  const relative = step?.plan.inputs.some(({ name }) => name === 'past_position_ids');
  return {
    ...(relative && { past_position_ids: empty([batch, 0]) }),
    ...Object.fromEntries(
      range(0, layers).flatMap(layer => [
        [`past_key.${layer}`, empty([batch, heads, 0, keySize])],
        [`past_value.${layer}`, empty([batch, heads, 0, headSize])],
      ]),
    ),
  };
}

/** The cache with a step's rows behind its slots. */
function appended(tiny: TinyModel, cache: Cache, result: Cache, positions: readonly number[]): Cache {
  return Object.fromEntries(
    Object.entries(emptyCache(tiny, 1)).map(([name]) => {
      const past = cache[name] ?? { shape: [], data: [] };
      if (name === 'past_position_ids') {
        const rows = range(0, past.shape[0] ?? 0);
        return [name, joined(past, { shape: [rows.length, positions.length], data: rows.flatMap(() => positions) }, 1)];
      }
      return [name, joined(past, result[name.replace('past', 'new')] ?? { shape: [], data: [] }, 2)];
    }),
  );
}
