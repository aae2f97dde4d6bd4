/**
 * The generation graph of models with an encoder and a decoder gives what the whole forward pass gives, however the target
 * is split into steps, and the whole is what its two halves give.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import { assertClose, joined, range, rowsOf } from './arrays.ts';
import { type Numbers, openPlan, openTiny, type RunnableGraph, TINY, type TinyModel } from './run-graph.ts';
import { assertTopTokens, topK } from './top-tokens.ts';

const VOCABULARY = 30;

/** `longest` reaches beyond the distances that have a bucket of their own. */
const MODELS: readonly (readonly [model: string, keywords: JsonObject, longest?: number])[] = [
  ['t5', {}, 150],
  ['t5.1.1', { hidden_act: ['gelu', 'linear'] }],
  ['t5.1.1', { embedding_size: 8, attention_key_size: 6, attention_head_size: 10 }],
  ['mt5.1.1', { cross_position_bias: false }],
];

for (const [name, keywords, longest = 30] of MODELS) {
  describe(`graphs of ${name} ${JSON.stringify(keywords)}`, () => {
    let tiny: TinyModel;
    let encoder: RunnableGraph;
    let decoder: RunnableGraph;
    before(async () => {
      tiny = await openTiny(name, keywords);
      [encoder, decoder] = [await openHalf(name, keywords, 'encoder'), await openHalf(name, keywords, 'decoder')];
    });
    after(async () => {
      for (const graph of [tiny.model, tiny.step, encoder, decoder]) await graph?.release();
    });

    it('agree on any split of any target', () =>
      fc.assert(
        fc.asyncProperty(sides(longest), fc.array(fc.nat(longest)), async (batch, cuts) => {
          const whole = await wholeLogits(tiny, batch);
          const length = batch.targets[0]?.length ?? 0;
          const ends = [...new Set([...cuts.filter(end => end > 0 && end < length), length])].sort((a, b) => a - b);
          assertClose(await steppedLogits(tiny, batch, ends), rowsOf(whole, range(0, length)), 1e-5);
        }),
        { numRuns: 25 },
      ));

    it('are the encoder and then the decoder', () =>
      fc.assert(
        fc.asyncProperty(sides(longest), async batch => {
          const source = matrix(batch.sources);
          const { last_hidden_state: states = assert.fail() } = await encoder.run({ input_ids: source });
          const seen = batch.sources.flatMap(row => row.map((token, i) => Number(i === 0 || token > 0)));
          const { logits = assert.fail() } = await decoder.run({
            input_ids: matrix(batch.targets),
            encoder_hidden_states: states,
            encoder_attention_mask: { shape: source.shape, data: seen },
          });
          assertClose(Array.from(logits.data), Array.from((await wholeLogits(tiny, batch)).data), 1e-5);
        }),
        { numRuns: 5 },
      ));
  });
}

interface Sides {
  readonly sources: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
}

/** One or two pairs of sequences, with zeros in odd places. */
function sides(longest: number): fc.Arbitrary<Sides> {
  const token = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: VOCABULARY - 1 }) }, fc.constant(0));
  const length = fc.integer({ min: 1, max: longest });
  return fc.tuple(fc.integer({ min: 1, max: 2 }), length, length).chain(([size, source, target]) => {
    const rows = (length: number) =>
      fc.array(fc.array(token, { minLength: length, maxLength: length }), { minLength: size, maxLength: size });
    return fc.record({ sources: rows(source), targets: rows(target) });
  });
}

async function openHalf(name: string, keywords: JsonObject, half: 'encoder' | 'decoder'): Promise<RunnableGraph> {
  const architecture = architectures[name] ?? assert.fail();
  const g = new GraphBuilder(half);
  architecture.graphs[half]?.(g, architecture.parseConfig(TINY, keywords));
  return openPlan(g.plan());
}

async function wholeLogits({ model }: TinyModel, { sources, targets }: Sides): Promise<Numbers> {
  const { logits = assert.fail() } = await model.run({
    input_ids: matrix(sources),
    decoder_input_ids: matrix(targets),
  });
  return logits;
}

/** Feeds the sources with the first rows of the targets, and the others in steps: logits of all rows, pair after pair. */
async function steppedLogits(tiny: TinyModel, { sources, targets }: Sides, ends: readonly number[]): Promise<number[]> {
  const found: number[][] = targets.map(() => []);
  const sourceLength = sources[0]?.length ?? 0;
  let cache = emptyCache(tiny, targets.length);
  let start = 0;
  for (const end of ends) {
    const ofSource = start === 0 ? sourceLength : 0;
    const seenSources = sources.map(row => row.map((token, i) => Number(i === 0 || token > 0)));
    const positions = [...range(0, ofSource), ...range(start, end)];
    const result = await tiny.step?.run({
      input_ids: matrix(sources.map(row => row.slice(0, ofSource))),
      decoder_input_ids: matrix(targets.map(row => row.slice(start, end))),
      position_ids: matrix(targets.map(() => positions)),
      visible: {
        shape: [targets.length, end - start, sourceLength + end],
        data: targets.flatMap((row, b) =>
          range(start, end).flatMap(q => [
            ...(seenSources[b] ?? []),
            ...range(0, end).map(k => Number(k <= q && (k === 0 || (row[k] ?? 0) > 0))),
          ]),
        ),
      },
      logit_rows: matrix(targets.map(() => range(0, end - start))),
      ...topK(4),
      ...cache,
    });
    assert.ok(result?.['logits']);
    assertTopTokens(result, 4);
    const logits = Array.from(result['logits'].data);
    const width = (end - start) * VOCABULARY;
    for (const [b, into] of found.entries()) into.push(...logits.slice(b * width, (b + 1) * width));
    cache = appended(cache, result, { positions, ofSource });
    start = end;
  }
  return found.flat();
}

type Cache = Readonly<Record<string, Numbers>>;

function emptyCache({ facts: { dimensions } }: TinyModel, batch: number): Cache {
  const { layers, heads, keySize, headSize } = dimensions;
  const empty = (...shape: readonly number[]): Numbers => ({ shape, data: [] });
  const ofLayers = range(0, layers).flatMap(layer => [
    [`past_key.${layer}`, empty(batch, heads, 0, keySize)],
    [`past_value.${layer}`, empty(batch, heads, 0, headSize)],
  ]);
  return {
    past_position_ids: empty(batch, 0),
    past_token_type_ids: empty(batch, 0),
    ...Object.fromEntries(ofLayers),
  };
}

/** The cache with a run's rows behind its slots. */
function appended(
  cache: Cache,
  result: Cache,
  { positions, ofSource }: { readonly positions: readonly number[]; readonly ofSource: number },
): Cache {
  const lines = cache['past_position_ids']?.shape[0] ?? 0;
  const same = (line: readonly number[]): Numbers => matrix(range(0, lines).map(() => line));
  const rows: Readonly<Record<string, Numbers>> = {
    past_position_ids: same(positions),
    past_token_type_ids: same(positions.map((_, i) => Number(i >= ofSource))),
  };
  return Object.fromEntries(
    Object.entries(cache).map(([name, past]) => {
      const added = rows[name] ?? result[name.replace('past', 'new')] ?? assert.fail();
      return [name, joined(past, added, name in rows ? 1 : 2)];
    }),
  );
}

function matrix(lines: readonly (readonly number[])[]): Numbers {
  return { shape: [lines.length, lines[0]?.length ?? 0], data: lines.flat() };
}
