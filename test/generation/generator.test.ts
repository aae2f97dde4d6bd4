import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { convert, parseConfigFile } from '../../converters/index.ts';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis, type StepScorer } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import type { Sequence } from '../../src/generation/visibility.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import type { Model } from '../../src/model.ts';
import { loadModel } from '../../src/node.ts';
import type { GraphSession } from '../../src/session/session.ts';

const CASES = path.resolve(import.meta.dirname, '../fixtures/cases');

/** Recorded models of every way to see: causal, relative positions, UniLM, shared segments. */
const MODELS = ['nezha-lm', 'gpt2-cpm', 'gpt2-ml', 'gpt-chat', 'bert-unilm', 'bert-lm', 'nezha-chat-recipe'];

describe('generation engine', () => {
  let folder = '';
  const models = new Map<string, { model: Model; session: GraphSession }>();

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-generation-'));
    for (const name of MODELS) models.set(name, await convertCase(name, path.join(folder, name)));
  });

  after(async () => {
    for (const { model } of models.values()) await model.dispose();
    await rm(folder, { recursive: true });
  });

  for (const name of MODELS) {
    it(`scores with a cache as without, any tree, any company: ${name}`, async () => {
      const { model, session } = models.get(name) ?? assert.fail();
      const arbitrary = fc.array(requestOf(model), { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(arbitrary, async requests => {
          const cached = createGenerator(session, model.manifest, { maxBatchTokens: 64 });
          const plain = createGenerator(session, model.manifest, { recompute: true });
          await Promise.all(requests.map(request => compareScorers(request, cached, plain)));
          assert.equal(cached.counts.cacheBytes, 0, 'all memory is given back');
        }),
        { numRuns: 15 },
      );
    });
  }

  it('takes the cache of an earlier turn over', async () => {
    const { model, session } = models.get('nezha-lm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const first = generator.start({ tokenIds: [2, 9, 8, 3], segmentIds: [0, 0, 0, 0] }, { segmentId: 1 });
    const reply = await beamSearch(first, { topK: 2, endId: 3, maxLen: 5 });
    const turn = [...reply.tokenIds, 11, 12];
    const prompt = { tokenIds: [2, 9, 8, 3, ...turn], segmentIds: [0, 0, 0, 0, ...reply.tokenIds.map(() => 1), 0, 0] };
    const next = generator.start(prompt, { segmentId: 1, after: first });
    assert.ok(next.reused >= 4, `reused ${next.reused}`);
    const anew = createGenerator(session, model.manifest).start(prompt, { segmentId: 1 });
    assertClose(await next.score([rootHypothesis()]), await anew.score([rootHypothesis()]));
    await assert.rejects(first.score([rootHypothesis()]), /released/);
  });

  it('refuses what the model can not take', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const { vocabSize, maxPositions } = model.manifest.dimensions;
    const sequence = (tokenIds: number[]) => ({ tokenIds, segmentIds: tokenIds.map(() => 0) });
    assert.throws(() => generator.start(sequence([])), /at least one token/);
    assert.throws(() => generator.start(sequence([1, vocabSize])), /index 1: token id/);
    assert.throws(() => generator.start(sequence(new Array((maxPositions ?? 0) + 1).fill(1))), /positions/);
    const full = generator.start(sequence(new Array(maxPositions ?? 0).fill(1)));
    await full.score([rootHypothesis()]);
    await assert.rejects(full.score([extendHypothesis(rootHypothesis(), 1)]), /positions/);
    full.release();
  });

  it('stops at an abort and goes on with the others', async () => {
    const { model, session } = models.get('gpt2-cpm') ?? assert.fail();
    const generator = createGenerator(session, model.manifest);
    const prompt = { tokenIds: [5, 6, 7], segmentIds: [0, 0, 0] };
    const [stopped, going] = [generator.start(prompt), generator.start(prompt)];
    const controller = new AbortController();
    const failing = stopped.score([rootHypothesis()], controller.signal);
    const working = going.score([rootHypothesis()]);
    controller.abort();
    await assert.rejects(failing, { code: 'ABORTED' });
    assert.equal((await working).length, model.manifest.dimensions.vocabSize);
  });
});

interface GeneratedRequest {
  readonly prompt: Sequence;
  readonly segmentId: number;
  /** Steps of rows: which row of the step before is extended, by which token. */
  readonly steps: readonly (readonly { readonly parent: number; readonly tokenId: number }[])[];
}

function requestOf(model: Model): fc.Arbitrary<GeneratedRequest> {
  const { vocabSize, segmentVocabSize } = model.manifest.dimensions;
  const token = fc.nat(vocabSize - 1);
  const segments = Math.max(1, segmentVocabSize) - 1;
  const prefix = model.manifest.attention.visibility === 'prefix';
  const row = fc.record({ parent: fc.nat(5), tokenId: token });
  return fc.record({
    prompt: fc
      .array(fc.record({ tokenId: token, segmentId: fc.nat(prefix ? 0 : segments) }), { minLength: 1, maxLength: 12 })
      .map(items => ({ tokenIds: items.map(item => item.tokenId), segmentIds: items.map(item => item.segmentId) })),
    segmentId: prefix ? fc.constant(1) : fc.nat(segments),
    steps: fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
  });
}

async function compareScorers(
  { prompt, segmentId, steps }: GeneratedRequest,
  cached: ReturnType<typeof createGenerator>,
  plain: ReturnType<typeof createGenerator>,
): Promise<void> {
  const scorers: readonly StepScorer[] = [cached, plain].map(generator => generator.start(prompt, { segmentId }));
  let rows: readonly Hypothesis[] = [rootHypothesis()];
  for (const step of [undefined, ...steps]) {
    const parents = rows;
    if (step !== undefined) {
      rows = step.map(({ parent, tokenId }) =>
        extendHypothesis(parents[parent % parents.length] ?? rootHypothesis(), tokenId),
      );
    }
    const [found, expected] = await Promise.all(scorers.map(scorer => scorer.score(rows)));
    assertClose(found ?? [], expected ?? []);
  }
  for (const scorer of scorers) if ('release' in scorer && typeof scorer.release === 'function') scorer.release();
}

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) {
    const [a, b] = [found[i] ?? 0, expected[i] ?? 0];
    assert.ok(Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b)), `${i}: ${found[i]} and ${expected[i]}`);
  }
}

async function convertCase(name: string, out: string): Promise<{ model: Model; session: GraphSession }> {
  const place = path.join(CASES, name);
  const recorded = parseConfigFile(new Uint8Array(await readFile(path.join(place, 'case.json'))));
  const checkpoint = recorded['checkpoint'] as { readonly path: string };
  const conversion = {
    checkpoint: await splitPath(path.join(place, checkpoint.path)),
    config: new Uint8Array(await readFile(path.join(place, 'config.json'))),
    keywords: recorded['build'] as Parameters<typeof convert>[0]['keywords'],
  };
  await convert(conversion, await directorySink(out));
  const model = await loadModel(out);
  return { model, session: await model.openGraph('step') };
}
