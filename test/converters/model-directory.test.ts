/**
 * What conversion leaves on the disk: a whole model directory, or nothing.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { type ConvertOptions, convert } from '../../converters/convert.ts';
import { AbortedError, ConfigError, FormatError } from '../../src/core/errors.ts';
import { parseManifest } from '../../src/core/manifest-parser.ts';
import type { ProgressEvent } from '../../src/core/progress.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { memorySink } from '../../src/io/memory.ts';
import { loadModel } from '../../src/node.ts';
import { callCli } from '../cli/run-cli.ts';
import { CASES, convertCase, recordedCases } from '../parity/recorded-cases.ts';

const DATA = 'bert_model.ckpt.data-00000-of-00001';

describe('model directory', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-directory-'));
    await cp(path.join(CASES, 'bert-lm'), path.join(folder, 'from'), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const inside = (...names: string[]) => path.join(folder, ...names);
  const options = async (more: Partial<ConvertOptions> = {}): Promise<ConvertOptions> => ({
    checkpoint: await splitPath(inside('from', 'bert_model.ckpt')),
    config: await readFile(inside('from', 'config.json')),
    keywords: { model: 'bert', application: 'lm' },
    ...more,
  });
  const sink = () => directorySink(inside('out'));

  it('holds graphs, weights, manifest, configurations and vocabulary', async () => {
    const tokens = Array.from({ length: 60 }, (_, i) => (i < 4 ? ['[PAD]', '[UNK]', '[CLS]', '[SEP]'][i] : `t${i}`));
    const vocab = Buffer.from(tokens.join('\n'));
    const tasks = { chat: { startId: 2, endId: 3, maxLen: 16, strategy: 'greedy' } };
    const { manifest } = await convert(await options({ tokenizer: { kind: 'wordpiece', vocab }, tasks }), await sink());
    assert.deepEqual((await readdir(inside('out'), { recursive: true })).toSorted(), [
      'bert4ort.json',
      'bert_config.json',
      'config.json',
      'generation_config.json',
      'onnx',
      'onnx/encoder.onnx',
      'onnx/model.onnx',
      'onnx/model.onnx_data',
      'onnx/step.onnx',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.txt',
    ]);
    assert.deepEqual(parseManifest(await readFile(inside('out', 'bert4ort.json'), 'utf8')), manifest);
    for (const { file, size } of Object.values(manifest.graphs).flatMap(graph => [graph, ...graph.data])) {
      assert.equal((await stat(inside('out', file))).size, size, file);
    }
    assert.deepEqual(await readFile(inside('out', 'bert_config.json')), await readFile(inside('from', 'config.json')));
    assert.deepEqual(manifest.origin.files.map(({ file }) => file).toSorted(), [
      'bert_model.ckpt.data-00000-of-00001',
      'bert_model.ckpt.index',
    ]);
    const config = JSON.parse(await readFile(inside('out', 'config.json'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual([config['model_type'], config['vocab_size'], config['is_decoder']], ['bert', 60, true]);
    assert.deepEqual(JSON.parse(await readFile(inside('out', 'generation_config.json'), 'utf8')), {
      pad_token_id: 0,
      decoder_start_token_id: 2,
      eos_token_id: 3,
      max_new_tokens: 16,
    });
  });

  it('keeps a configuration that begins with a byte order mark, as it is', async () => {
    const config = Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), await readFile(inside('from', 'config.json'))]);
    await convert(await options({ config }), await sink());
    assert.deepEqual(await readFile(inside('out', 'bert_config.json')), config);
  });

  it('cuts words with jieba first where the model is over words, and has no files of tools that would not', async () => {
    const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '今天', '天气', '不错', '不', '错', 'ab', '##cd'];
    const vocab = Buffer.from(Array.from({ length: 60 }, (_, i) => words[i] ?? `t${i}`).join('\n'));
    await convert(await options({ tokenizer: { kind: 'wordpiece', vocab, preTokenize: 'jieba' } }), await sink());
    assert.deepEqual((await readdir(inside('out'))).toSorted(), [
      'bert4ort.json',
      'bert_config.json',
      'config.json',
      'onnx',
      'vocab.txt',
    ]);
    const model = await loadModel(inside('out'));
    assert.deepEqual(model.tokenizer?.tokenize('天气不错ABCD'), ['[CLS]', '天气', '不错', 'ab', '##cd', '[SEP]']);
    await model.dispose();
    const cut = await callCli([
      'tokenize',
      inside('out', 'vocab.txt'),
      '今天不错',
      '--pre-tokenize',
      'jieba',
      '--json',
    ]);
    assert.match(cut.stdout, /"\[CLS\]","今天","不错","\[SEP\]"/);
  });

  it('says end tokens by their ids in Hugging Face’s file', async () => {
    const vocab = Buffer.from(Array.from({ length: 60 }, (_, i) => (i === 7 ? '。' : `t${i}`)).join('\n'));
    const tokenizer = { kind: 'wordpiece', vocab, tokenStart: null, tokenEnd: null } as const;
    const tasks = { complete: { endToken: '。', topK: 5 } };
    await convert(await options({ tokenizer, tasks }), await sink());
    const file = await readFile(inside('out', 'generation_config.json'), 'utf8');
    assert.deepEqual(JSON.parse(file), { pad_token_id: 0, eos_token_id: 7, top_k: 5 });
  });

  for (const way of ['cloned', 'linked', 'packed'] as const) {
    it(`holds the SHA-256 of weights that are ${way}, when asked for it, and finds what was changed`, async () => {
      const { copy: _, ...packing } = await directorySink(inside('packed'));
      const [target, place] = way === 'packed' ? [packing, 'packed'] : [await sink(), 'out'];
      const keywords = { model: 'bert', application: 'lm', keep_tokens: [0, 1, 2, 3, 5] };
      const { manifest } = await convert(
        await options({ sha256: true, link: way === 'linked', ...(way === 'packed' ? {} : { keywords }) }),
        target,
      );
      const files = manifest.graphs.model?.data ?? [];
      assert.equal(files.length, way === 'linked' ? 2 : 1);
      for (const { file, sha256 } of files) {
        const bytes = await readFile(inside(place, file));
        assert.equal(sha256, createHash('sha256').update(bytes).digest('hex'));
      }
      const load = () => loadModel(inside(place), { verify: true });
      await (await load()).dispose();
      const [{ file } = { file: '' }] = files;
      const bytes = await readFile(inside(place, file));
      bytes[1000] = (bytes[1000] ?? 0) ^ 1;
      await writeFile(inside(place, file), bytes);
      await assert.rejects(load(), {
        name: 'FormatError',
        message: new RegExp(`^${file}: SHA-256; expected .{64}; found`),
      });
      await writeFile(inside(place, file), bytes.subarray(1));
      await assert.rejects(load(), { name: 'FormatError', message: new RegExp(`^${file}: size; expected`) });
    });
  }

  for (const link of [false, true]) {
    it(`gives the same numbers whether weights are ${link ? 'linked' : 'cloned'} or packed`, async () => {
      await convert(await options({ link }), await sink());
      const { copy: _, ...packing } = await directorySink(inside('packed'));
      await convert(await options(), packing);
      assert.deepEqual(await logitsOf(inside('out')), await logitsOf(inside('packed')));
      const linked = await stat(inside('from', DATA));
      assert.equal((await stat(inside('out/onnx/model.onnx_data'))).ino === linked.ino, link);
    });
  }

  it('linked, holds what the checkpoint does not in a second file', async () => {
    const keywords = { model: 'bert', application: 'lm', keep_tokens: [0, 1, 2, 3, 5] };
    const { manifest } = await convert(await options({ link: true, keywords }), await sink());
    assert.deepEqual(
      manifest.graphs.model?.data.map(({ file }) => file),
      ['onnx/model.onnx_data', 'onnx/model.onnx_data_1'],
    );
    assert.equal((await logitsOf(inside('out'))).length, 2 * 5);
  });

  it('takes a SentencePiece model with no more pieces than the table has rows', async () => {
    const [recorded = assert.fail()] = recordedCases(['mt5.1.1']);
    const convertWith = (model: Uint8Array) =>
      convertCase(recorded, memorySink(), { tokenizer: { kind: 'sentencepiece', model, tokenEnd: '</s>' } });
    const fewer = await convertWith(sentencePieceModel(61));
    assert.equal(fewer.spareRows, 2);
    await assert.rejects(convertWith(sentencePieceModel(64)), error => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /vocabulary; expected at most 63 pieces.*; found 64 pieces.*reduced/);
      return true;
    });
    await assert.rejects(convertWith(new TextEncoder().encode('[PAD]\n[UNK]\n')), FormatError);
  });

  it('is not there after a checksum error, an abort or a refusal', async () => {
    const damaged = await readFile(inside('from', DATA));
    damaged[4000] = (damaged[4000] ?? 0) ^ 1;
    await writeFile(inside('from', DATA), damaged);
    for (const link of [false, true]) {
      await assert.rejects(convert(await options({ link }), await sink()), (error: unknown) => {
        assert.ok(error instanceof FormatError);
        assert.match(error.message, /checksum of "bert\/.*/);
        return true;
      });
    }
    const signal = AbortSignal.abort();
    await assert.rejects(convert(await options({ signal, verify: false }), await sink()), AbortedError);
    const keywords = { model: 'bert', with_nps: true };
    await assert.rejects(convert(await options({ keywords }), await sink()), ConfigError);
    assert.deepEqual(await readdir(folder), ['from']);
    await convert(await options({ verify: false }), await sink());
    assert.deepEqual((await readdir(folder)).toSorted(), ['from', 'out']);
  });

  it('is not there when aborted half-way, whenever that is', async () => {
    for (let events = 1; ; events++) {
      const controller = new AbortController();
      let heard = 0;
      const onProgress = () => {
        if (++heard === events) controller.abort();
      };
      const { copy: _, ...packing } = await sink();
      const done = convert(await options({ signal: controller.signal, onProgress }), packing);
      const aborted = await done.then(
        () => false,
        error => error instanceof AbortedError,
      );
      if (!aborted) break;
      assert.deepEqual(await readdir(folder), ['from']);
      assert.ok(events < 200);
    }
  });

  it('reports progress up to the size of each file', async () => {
    const events: ProgressEvent[] = [];
    const { manifest } = await convert(await options({ onProgress: event => events.push(event) }), memorySink());
    const last = events.findLast(event => event.status === 'progress');
    assert.equal(last?.loaded, manifest.graphs.model?.data[0]?.size);
    assert.deepEqual(events.at(-1), { status: 'done', file: 'onnx/model.onnx_data' });
  });

  it('can not be linked into memory', async () => {
    await assert.rejects(
      convert(await options({ link: true }), memorySink()),
      /expected an output folder on the local disk/,
    );
  });
});

/** Logits of the last of two tokens, and their number, from a model directory. */
async function logitsOf(directory: string): Promise<readonly number[]> {
  const { Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(path.join(directory, 'onnx/model.onnx'), { intraOpNumThreads: 1 });
  const ids = new Tensor('int64', BigInt64Array.of(2n, 3n), [1, 2]);
  const types = new Tensor('int64', BigInt64Array.of(0n, 0n), [1, 2]);
  const { logits } = await session.run({ input_ids: ids, token_type_ids: types });
  await session.release();
  assert.ok(logits?.data instanceof Float32Array);
  return [...logits.data];
}

/** The bytes of a unigram model with so many pieces: the unknown one, and one letter each. */
function sentencePieceModel(pieces: number): Uint8Array {
  const piece = (text: string, kind: number) => {
    const name = Buffer.from(text, 'utf8');
    // piece, score and type of a message SentencePiece.
    const body = Buffer.concat([Buffer.of(0x0a, name.length), name, Buffer.of(0x15, 0, 0, 0x80, 0xbf, 0x18, kind)]);
    return Buffer.concat([Buffer.of(0x0a, body.length), body]);
  };
  const letters = Array.from({ length: pieces - 1 }, (_, i) => piece(String.fromCodePoint(0x4e00 + i), 1));
  return Buffer.concat([piece('<unk>', 2), ...letters]);
}
