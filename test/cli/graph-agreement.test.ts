/** Agreement of graphs as `verify` checks it: a step that names other tokens than its logits say, or other odds, is found. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkAgreement } from '../../src/cli/graph-agreement.ts';
import type { Model } from '../../src/model.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { convertCase } from '../generation/converted-case.ts';

describe('agreement of the graphs', () => {
  let folder = '';
  let model: Model;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-agreement-'));
    ({ model } = await convertCase('gpt2-cpm', folder));
  });

  after(async () => {
    await model.dispose();
    await rm(folder, { recursive: true });
  });

  /** The model with a step whose `top_tokens` are changed. */
  const withStep = (change: (topTokens: Float32Array) => void): Model => {
    const openGraph = async (name: Parameters<Model['openGraph']>[0]): Promise<GraphSession> => {
      const session = await model.openGraph(name);
      const { device, inputs, outputs } = session;
      const run: GraphSession['run'] = async (...asked) => {
        const results = await session.run(...asked);
        const named = results['top_tokens']?.data;
        if (named instanceof Float32Array) change(named);
        return results;
      };
      return { device, inputs, outputs, run, dispose: async () => undefined };
    };
    return { manifest: model.manifest, tokenizer: model.tokenizer, openGraph, dispose: async () => undefined };
  };

  it('holds for what was converted', async () => {
    const found = await checkAgreement(model);
    assert.equal(found?.graph, 'step');
    assert.ok(found.pass && found.absolute <= 1e-5, `${found.absolute}`);
    let asked = 0;
    assert.ok((await checkAgreement(withStep(() => asked++)))?.pass);
    assert.equal(asked, 1, 'likeliest tokens were asked for');
  });

  const broken: Readonly<Record<string, (topTokens: Float32Array) => void>> = {
    'logits of other tokens': named => named.set([0.5], 1),
    'ids of other tokens': named => named.set([named[6] ?? 0, named[5] ?? 0], 5),
    'another probability': named => named.set([0.999], 10),
  };
  for (const [name, change] of Object.entries(broken)) {
    it(`does not hold for a step that names ${name}`, async () => {
      assert.equal((await checkAgreement(withStep(change)))?.pass, false);
    });
  }
});
