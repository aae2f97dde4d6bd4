/** With the cache or without: the rule, measurements, and what is kept beside the model. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { PROFILE_FILE, parseProfile } from '../../src/core/strategy-profile.ts';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import { measureStrategy } from '../../src/generation/measure-strategy.ts';
import { openGenerator } from '../../src/generation/open-generator.ts';
import { type CacheOption, recomputeLimit } from '../../src/generation/strategy.ts';
import { profileFile } from '../../src/io/profile-file.ts';
import type { Model } from '../../src/model.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { convertCase } from './converted-case.ts';

const PROMPT = { tokenIds: [2, 9, 8, 3], segmentIds: [0, 0, 0, 0] };

describe('choice between cache and computing again', () => {
  let folder = '';
  let model: Model;
  let session: GraphSession;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-strategy-'));
    ({ model, session } = await convertCase('bert-unilm', path.join(folder, 'model')));
  });
  after(async () => {
    await model.dispose();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => rm(path.join(folder, 'model', PROFILE_FILE), { force: true }));

  const step = (tokens: number, cached: number, recomputed: number) => ({ tokens, cached, recomputed });
  const written = async () => parseProfile(await readFile(path.join(folder, 'model', PROFILE_FILE), 'utf8'));

  it('computes again only where that was clearly faster, up to the first length where it was not', () => {
    assert.equal(recomputeLimit([]), 0);
    assert.equal(recomputeLimit([step(16, 100, 150)]), 0);
    assert.equal(recomputeLimit([step(16, 100, 95)]), 0, 'a tie');
    assert.equal(recomputeLimit([step(16, 100, 80), step(64, 100, 200)]), 16);
    assert.equal(recomputeLimit([step(16, 100, 80), step(64, 100, 99), step(256, 100, 10)]), 16);
    assert.equal(recomputeLimit([step(16, 100, 80), step(64, 200, 90)]), 64);
  });

  it('gives the same ids whatever is chosen', async () => {
    const ids = async (generator: ReturnType<typeof createGenerator>) => {
      const scorer = generator.start(PROMPT, { segmentId: 1 });
      const { tokenIds } = await beamSearch(scorer, { topK: 3, endId: 3, maxLen: 10 });
      scorer.release();
      assert.equal(generator.counts.cacheBytes, 0);
      return tokenIds;
    };
    const expected = await ids(createGenerator(session, model.manifest));
    const options: CacheOption[] = ['on', 'off', 'auto'];
    for (const cache of options) assert.deepEqual(await ids(await openGenerator(model, { cache })), expected, cache);
    // Calls of three beams go over the limit at the fourth, the sixth and the ninth step, and at once.
    for (const recomputeUpTo of [1, 15, 22, 30]) {
      assert.deepEqual(await ids(createGenerator(session, model.manifest, { recomputeUpTo })), expected);
    }
  });

  it('computes short calls of several requests together', async () => {
    const generator = createGenerator(session, model.manifest, { recomputeUpTo: 64 });
    const scorers = [PROMPT, PROMPT].map(prompt => generator.start(prompt, { segmentId: 1 }));
    const root = { parent: null, tokenId: -1, length: 0 };
    const [first, second] = await Promise.all(scorers.map(scorer => scorer.score([root])));
    assert.deepEqual(first, second);
    assert.deepEqual({ runs: generator.counts.runs, rows: generator.counts.rows }, { runs: 1, rows: 8 });
  });

  it('measures both ways, which agree, and ends where the cache wins', async () => {
    const { steps, agrees, difference, recomputeUpTo } = await measureStrategy(session, model.manifest, {
      lengths: [4, 8, 1000],
      all: true,
    });
    assert.deepEqual(
      steps.map(({ tokens }) => tokens),
      [4, 8],
      'as far as the positions go',
    );
    assert.ok(agrees, `difference ${difference}`);
    assert.equal(recomputeUpTo, recomputeLimit(steps));
    for (const { cached, recomputed } of steps) assert.ok(cached > 0 && recomputed > 0);
  });

  it('never computes again where the logits differ', async () => {
    const run: GraphSession['run'] = async (feeds, fetches, lend) => {
      const outputs = await session.run(feeds, fetches, lend);
      const { logits } = outputs;
      // Only without a cache: a past of no slots and several rows.
      const rows = feeds['input_ids']?.shape[1] ?? 0;
      if (logits?.dtype !== 'float32' || rows < 4) return outputs;
      return { ...outputs, logits: { ...logits, data: logits.data.map(value => value + 1) } };
    };
    const { device, inputs, outputs } = session;
    const off: GraphSession = { device, inputs, outputs, run, dispose: async () => undefined };
    const measured = await measureStrategy(off, model.manifest, { lengths: [6, 9] });
    assert.equal(measured.agrees, false);
    assert.equal(measured.recomputeUpTo, 0);
    const { strategy } = await openGenerator({ ...viewOf(model), openGraph: async () => off }, { cache: 'auto' });
    assert.equal(strategy.recomputeUpTo, 0);
    assert.match(strategy.reason, /the logits differ by/);
  });

  it('measures for auto, keeps it beside the model, and measures no second time', async () => {
    const { strategy } = await openGenerator(model, { cache: 'auto' });
    assert.equal(strategy.source, 'measured');
    const [entry] = (await written()).entries;
    assert.equal(entry?.device, 'cpu');
    assert.equal(entry?.recomputeUpTo, strategy.recomputeUpTo);
    for (const cache of ['auto', undefined] as const) {
      const again = await openGenerator(model, { cache });
      assert.equal(again.strategy.source, 'profile');
      assert.equal(again.strategy.recomputeUpTo, strategy.recomputeUpTo);
    }
  });

  it('measures for whoever still waits when the one who began gave up', async () => {
    const controller = new AbortController();
    const { device, inputs, outputs } = session;
    const run: GraphSession['run'] = (...args) => session.run(...args);
    const unmeasured: GraphSession = { device, inputs, outputs, run, dispose: async () => undefined };
    const view = { ...viewOf(model), openGraph: async () => unmeasured };
    const stopped = openGenerator(view, { cache: 'auto', signal: controller.signal });
    const going = openGenerator(view, { cache: 'auto' });
    controller.abort();
    await assert.rejects(stopped, { code: 'ABORTED' });
    assert.equal((await going).strategy.source, 'measured');
  });

  it('neither measures nor writes unless asked', async () => {
    assert.equal((await openGenerator(model)).strategy.source, 'default');
    assert.equal((await openGenerator(model, { cache: 'on' })).strategy.recomputeUpTo, 0);
    assert.equal((await openGenerator(model, { cache: 'off' })).strategy.recomputeUpTo, Number.POSITIVE_INFINITY);
    await assert.rejects(written(), /ENOENT/);
  });

  it('does what a profile says, and ignores one that is out of date', async () => {
    await openGenerator(model, { cache: 'auto' });
    const file = path.join(folder, 'model', PROFILE_FILE);
    const { entries, profileVersion } = await written();
    const [entry] = entries;
    const put = (changes: object) =>
      writeFile(file, JSON.stringify({ profileVersion, entries: [{ ...entry, recomputeUpTo: 48, ...changes }] }));
    await put({});
    assert.deepEqual((await openGenerator(model)).strategy.recomputeUpTo, 48);
    for (const changes of [
      { threads: 512 },
      { runtime: 'onnxruntime-node 0.9' },
      { graph: { size: 1, sha256: null } },
    ]) {
      await put(changes);
      assert.equal((await openGenerator(model)).strategy.source, 'default');
    }
    await writeFile(file, '{"profileVersion": 1}');
    await assert.rejects(openGenerator(model), { code: 'FORMAT' });
  });

  it('says when a measurement could not be kept', async () => {
    const gone = profileFile(path.join(folder, 'gone'));
    const refused = await openGenerator({ ...viewOf(model), profile: gone }, { cache: 'auto' });
    assert.match(refused.strategy.reason, /not kept: .*gone.*writing; found no such file or folder/);
    assert.equal(refused.strategy.source, 'measured');
    const nowhere = await openGenerator(viewOf(model), { cache: 'auto' });
    assert.match(nowhere.strategy.reason, /not kept: there is no place for it/);
  });
});

/** The model without a place for its profile. */
function viewOf(model: Model): Pick<Model, 'manifest' | 'openGraph'> {
  return { manifest: model.manifest, openGraph: name => model.openGraph(name) };
}
