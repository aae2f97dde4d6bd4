import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { convert } from '../../converters/index.ts';
import { int64Tensor } from '../../src/core/tensor.ts';
import { argMax } from '../../src/decode/top-k.ts';
import { readRows } from '../../src/generation/row-reader.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { type Model, tokenizerOf } from '../../src/model.ts';
import { loadModel } from '../../src/node.ts';
import { createEmbedder, type EmbedOptions } from '../../src/tasks/embed.ts';
import { createFillMask, type FillOptions } from '../../src/tasks/fill-mask.ts';
import { withTasks } from './with-tasks.ts';

const QA = path.resolve(import.meta.dirname, '../../examples/models/qa-mlm');

describe('masked models', () => {
  let folder = '';
  let model: Model;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-fill-'));
    const options = {
      checkpoint: await splitPath(path.join(QA, 'best_model.weights')),
      config: new Uint8Array(await readFile(path.join(QA, 'config.json'))),
      keywords: { model: 'bert', with_mlm: true },
      tokenizer: { kind: 'wordpiece', vocab: new Uint8Array(await readFile(path.join(QA, 'vocab.txt'))) } as const,
    };
    await convert(options, await directorySink(path.join(folder, 'model')));
    model = await loadModel(path.join(folder, 'model'));
  });
  after(async () => {
    await model.dispose();
    await rm(folder, { recursive: true });
  });

  it('fills every mask with what the whole graph says', async () => {
    const { fill } = await createFillMask(model);
    const { masks, text } = await fill('他在[MASK]京大学[MASK]习', { topK: 3 });
    const tokenizer = tokenizerOf(model);
    const { tokenIds } = tokenizer.encode('他在中京大学中习');
    const at = [3, 7];
    for (const index of at) tokenIds[index] = tokenizer.tokenMaskId ?? assert.fail();
    const session = await model.openGraph('model');
    const shape = [1, tokenIds.length];
    const feeds = {
      input_ids: int64Tensor(tokenIds, shape),
      token_type_ids: int64Tensor(
        tokenIds.map(() => 0),
        shape,
      ),
    };
    const { logits } = await session.run(feeds, ['logits']);
    const { vocabSize } = model.manifest.dimensions;
    assert.ok(logits?.dtype === 'float32');
    at.forEach((index, mask) => {
      const row = Array.from(logits.data.subarray(index * vocabSize, (index + 1) * vocabSize));
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      const best = row.map((value, id) => ({ id, p: Math.exp(value) / total })).sort((a, b) => b.p - a.p);
      const found = masks[mask] ?? [];
      assert.equal(found.length, 3);
      found.forEach(({ tokenId, score, token }, rank) => {
        assert.equal(tokenId, best[rank]?.id);
        assert.equal(token, tokenizer.idToToken(tokenId));
        assert.ok(Math.abs(score - (best[rank]?.p ?? 0)) < 1e-5);
      });
    });
    at.forEach((index, mask) => {
      tokenIds[index] = masks[mask]?.[0]?.tokenId ?? assert.fail();
    });
    assert.equal(text, tokenizer.decode(tokenIds));
  });

  it('keeps to targets, and refuses texts without a mask and unknown targets', async () => {
    const { fill } = await createFillMask(model);
    const { masks } = await fill('[MASK]京', { targets: ['北', '南', '东'] });
    assert.deepEqual(masks[0]?.map(({ token }) => token).sort(), ['东', '北', '南'].sort());
    await assert.rejects(fill('没有'), /at least one \[MASK\]/);
    await assert.rejects(fill('[MASK]', { targets: ['龘'] }), /token of the vocabulary/);
    await assert.rejects(fill('[MASK]', { topK: 0 }), { code: 'CONFIG' });
    await assert.rejects(fill('[MASK]', { targets: [] }), { code: 'CONFIG' });
    await assert.rejects(fill('[MASK]', { topk: 3 } as FillOptions), { code: 'CONFIG' });
    await assert.rejects(fill('[MASK]', { signal: AbortSignal.abort() }), { code: 'ABORTED' });
    await assert.rejects(fill(`[MASK]${'长'.repeat(300)}`), { code: 'INPUT' });
  });

  it('fills masks of two texts as segments of one row', async () => {
    const { fill } = await createFillMask(model);
    const { masks, text, second } = await fill('他在[MASK]京', { second: '大学[MASK]习', topK: 1 });
    const tokenizer = tokenizerOf(model);
    const { tokenIds, segmentIds } = tokenizer.encode('他在中京', '大学中习');
    const at = [3, 8];
    for (const index of at) tokenIds[index] = tokenizer.tokenMaskId ?? assert.fail();
    const session = await model.openGraph('read');
    const [logits = assert.fail()] = await readRows(session, model.manifest, [{ tokenIds, segmentIds, rows: at }]);
    const { vocabSize } = model.manifest.dimensions;
    const best = at.map((_, i) => argMax(logits.subarray(i * vocabSize, (i + 1) * vocabSize)));
    assert.deepEqual(
      masks.map(mask => mask[0]?.tokenId),
      best,
    );
    at.forEach((index, mask) => {
      tokenIds[index] = best[mask] ?? assert.fail();
    });
    assert.equal(text, tokenizer.decode(tokenIds.slice(0, 6)));
    assert.equal(second, tokenizer.decode(tokenIds.slice(6)));
    assert.equal((await fill('没有', { second: '[MASK]' })).masks.length, 1);
    assert.equal('second' in (await fill('[MASK]')), false);
  });

  it('takes defaults from the manifest, and none that it does not know', async () => {
    const { fill } = await createFillMask(withTasks(model, { fill: { topK: 2 } }));
    assert.equal((await fill('[MASK]京')).masks[0]?.length, 2);
    assert.equal((await fill('[MASK]京', { topK: 4 })).masks[0]?.length, 4);
    const { embed } = await createEmbedder(withTasks(model, { embed: { pooling: 'mean', normalize: true } }));
    const { vectors } = await embed(['北京']);
    const plain = await createEmbedder(model);
    assert.deepEqual(vectors, (await plain.embed(['北京'], { pooling: 'mean', normalize: true })).vectors);
    await assert.rejects(createFillMask(withTasks(model, { fill: { second: '北' } })), { code: 'CONFIG' });
    await assert.rejects(createEmbedder(withTasks(model, { embed: { pooling: 'max' } })), { code: 'CONFIG' });
    await assert.rejects(plain.embed(['北京'], { maxBatchTokens: 0 }), { code: 'CONFIG' });
    await assert.rejects(plain.embed(['北京'], { normalise: true } as EmbedOptions), { code: 'CONFIG' });
  });

  it('embeds many texts as it embeds each alone', async () => {
    const { embed } = await createEmbedder(model);
    const words = fc.string({ unit: fc.constantFrom(...'北京大学他在中国人'), minLength: 0, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(words, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('cls', 'mean'),
        async (texts, kind) => {
          const pooling = kind === 'cls' ? 'cls' : 'mean';
          const { vectors, paddingWaste } = await embed(texts, { pooling, normalize: true, maxBatchTokens: 60 });
          assert.ok(paddingWaste >= 0 && paddingWaste < 1);
          for (const [i, text] of texts.entries()) {
            const [alone] = (await embed([text], { pooling, normalize: true })).vectors;
            vectors[i]?.forEach((value, d) => {
              assert.ok(Math.abs(value - (alone?.[d] ?? 9)) < 1e-6, `${value} and ${alone?.[d]}`);
            });
            const length = vectors[i]?.reduce((sum, value) => sum + value * value, 0) ?? 0;
            assert.ok(Math.abs(length - 1) < 1e-5);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('refuses a pooling that the model has no head for', async () => {
    const { embed } = await createEmbedder(model);
    await assert.rejects(embed(['北京'], { pooling: 'pooler' }), /pooler_output/);
  });
});
