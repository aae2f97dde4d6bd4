/**
 * bert4ort in Node: model directories from disk, sessions of onnxruntime-node. The face of the package's main entry.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ByteSourceSet } from './core/byte-source.ts';
import { hashSource } from './io/file-hash.ts';
import { directorySet } from './io/file-source.ts';
import { profileFile } from './io/profile-file.ts';
import { loadModel as loadModelOn, type Model, type ModelOptions } from './model.ts';
import { nodeProvider } from './session/node-session.ts';
import { workerProvider } from './session/worker-node.ts';
import type { Jieba } from './tokenizers/jieba/jieba.ts';
import { loadJieba } from './tokenizers/jieba/load-jieba.ts';

export * from './index.ts';
export { directorySink } from './io/directory-sink.ts';
export { directorySet, openFile, splitPath } from './io/file-source.ts';
// Vocabularies and texts are prepared by scripts, before a browser sees the model.
export { addCapitals, addWords, type GrownVocabulary } from './tokenizers/compound-tokens.ts';
export type { Jieba } from './tokenizers/jieba/jieba.ts';
// Pages load SentencePiece and jieba with the models that need them.
export { createSentencePiece } from './tokenizers/sentencepiece/sentence-piece.ts';
export { createSpTokenizer } from './tokenizers/sentencepiece/sp-tokenizer.ts';
export { type SegmentationOptions, textSegmentate } from './tokenizers/text/segmentation.ts';

/** Options of {@link loadModel} in Node. */
export interface NodeModelOptions extends ModelOptions {
  /**
   * Worker threads that run sessions, so that this thread's event loop stays free: a server wants 1. With more, requests
   * are spread over them, and each holds the weights (docs/performance.md). Default 0: sessions run in this thread.
   */
  readonly workers?: number;
}

/** jieba with its own dictionary. The words of a user's dictionary can be added to it. */
export function openJieba(): Promise<Jieba> {
  return loadJieba(readAsset);
}

/**
 * Loads a model directory. Graphs are opened when they are first needed; the caller disposes the model.
 * @param source path or file URL of the directory, or its files.
 * @throws IoError when a file is missing; FormatError when the manifest or, with `verify`, a file is damaged; ConfigError
 * for a number of workers out of range.
 * @example
 * const model = await loadModel('models/qa');
 * const reader = await createReader(model);
 * const { answer } = await reader.answer('谁写了《红楼梦》？', ['《红楼梦》的作者是曹雪芹。']);
 * await model.dispose();
 */
export async function loadModel(source: string | URL | ByteSourceSet, options: NodeModelOptions = {}): Promise<Model> {
  const { workers = 0, ...modelOptions } = options;
  const provider = workers === 0 ? nodeProvider : workerProvider(workers);
  const platform = { provider, sha256: hashSource, readAsset };
  if (typeof source !== 'string' && !(source instanceof URL)) return loadModelOn(source, platform, modelOptions);
  const folder = typeof source === 'string' ? source : fileURLToPath(source);
  return loadModelOn(directorySet(folder), { ...platform, profile: profileFile(folder) }, modelOptions);
}

async function readAsset(address: URL): Promise<Uint8Array> {
  return new Uint8Array(await readFile(address));
}
