/**
 * From a checkpoint of bert4keras to generated text, with nothing but the public API: conversion, a tokenizer, and a
 * decoder written as a bert4keras script writes it, `predict` overridden.
 *
 * `npx tsx examples/convert-and-decode.ts` (or import `main`)
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { convert } from '../converters/index.ts';
import {
  AutoRegressiveDecoder,
  type DecoderInput,
  directorySink,
  type GraphSession,
  int64Tensor,
  loadModel,
  splitPath,
  tokenizerOf,
} from '../src/node.ts';

const CHECKPOINT = path.join(import.meta.dirname, 'models/qa-unilm');

/** Answers one question about one passage: `[CLS] passage [SEP] question [SEP] answer [SEP]`. */
class Reader extends AutoRegressiveDecoder {
  readonly #graph: GraphSession;

  constructor(graph: GraphSession, endId: number) {
    super({ startId: null, endId, maxLen: 16, defaultRType: 'logits' });
    this.#graph = graph;
  }

  override async predict([tokens = [], segments = []]: DecoderInput[][], outputIds: number[][]) {
    const tokenIds = outputIds.map((ids, row) => [...(tokens[row] ?? []), ...ids]);
    const segmentIds = outputIds.map((ids, row) => [...(segments[row] ?? []), ...ids.map(() => 1)]);
    const shape = [tokenIds.length, tokenIds[0]?.length ?? 0];
    const feeds = {
      input_ids: int64Tensor(tokenIds.flat(), shape),
      token_type_ids: int64Tensor(segmentIds.flat(), shape),
    };
    const { logits } = await this.#graph.run(feeds, ['logits']); // [B, T, V]
    if (logits?.dtype !== 'float32') throw new Error('The model has no token logits.');
    const [, length = 0, vocabSize = 0] = logits.shape;
    return tokenIds.map((_, row) => {
      const end = (row + 1) * length * vocabSize;
      return logits.data.slice(end - vocabSize, end);
    });
  }
}

/** Converts the example's checkpoint into `directory` and answers a question with it. */
export async function main(directory: string): Promise<string> {
  await convert(
    {
      checkpoint: await splitPath(path.join(CHECKPOINT, 'best_model.weights')),
      config: await readFile(path.join(CHECKPOINT, 'config.json')),
      keywords: { model: 'bert', application: 'unilm', with_mlm: true },
      tokenizer: { kind: 'wordpiece', vocab: await readFile(path.join(CHECKPOINT, 'vocab.txt')) },
    },
    await directorySink(directory),
  );
  const model = await loadModel(directory);
  try {
    const tokenizer = tokenizerOf(model);
    const { tokenIds } = tokenizer.encode('罗洛·凯罗出生于吉乌区；她曾就读于色天师范大学。', '罗洛·凯罗出生在哪里？');
    const reader = new Reader(await model.openGraph('model'), tokenizer.tokenEndId ?? 3);
    const answer = await reader.beamSearch([tokenIds, tokenIds.map(() => 0)], 1);
    return tokenizer.decode(answer);
  } finally {
    await model.dispose();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-example-'));
  console.log(await main(path.join(folder, 'qa')));
  await rm(folder, { recursive: true });
}
