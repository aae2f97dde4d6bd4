/**
 * The checkpoints of the demo, and what converts them: what a user would type after `bert4ort convert`.
 */
import path from 'node:path';
import type { JsonObject, Manifest, TokenizerSource } from '../../converters/index.ts';

/** Folder of the example checkpoints. */
export const MODELS = path.join(import.meta.dirname, '../models');

/** A checkpoint and how to convert it. */
export interface DemoModel {
  readonly title: string;
  readonly folder: string;
  readonly checkpoint: string;
  /** Configuration file; `config.json` where it is left out. */
  readonly config?: string;
  /** Vocabulary file and its tokenizer, where the configuration does not hold the words. */
  readonly vocab?: string;
  readonly keywords: JsonObject;
  readonly tokenizer?: (vocab: Uint8Array) => TokenizerSource;
  readonly tasks: Manifest['tasks'];
}

const wordpiece = (vocab: Uint8Array): TokenizerSource => ({ kind: 'wordpiece', vocab });
const reading = { answer: { maxPassageLen: 128, maxQuestionLen: 32, maxAnswerLen: 16 } };

/** By the demo's own names. */
export const demoModels = {
  unilm: {
    title: '1. A UniLM reader, best_model.weights (Keras HDF5)',
    folder: 'qa-unilm',
    checkpoint: 'best_model.weights',
    vocab: 'vocab.txt',
    keywords: { model: 'bert', application: 'unilm', with_mlm: true },
    tokenizer: wordpiece,
    tasks: reading,
  },
  mlm: {
    title: '2. A masked reader, best_model_tf.weights (tf.keras bundle, two shards)',
    folder: 'qa-mlm',
    checkpoint: 'best_model_tf.weights',
    vocab: 'vocab.txt',
    keywords: { model: 'bert', with_mlm: true },
    tokenizer: wordpiece,
    tasks: reading,
  },
  chat: {
    title: '3. NEZHA for small talk, model.ckpt (TensorFlow bundle)',
    folder: 'chat-nezha',
    checkpoint: 'model.ckpt',
    vocab: 'vocab.txt',
    keywords: { model: 'nezha', application: 'lm' },
    tokenizer: wordpiece,
    tasks: { chat: { strategy: 'greedy', maxLen: 32 } },
  },
  gpt2: {
    title: '4. GPT-2 with the tokenizer of CPM, model.ckpt (TensorFlow bundle)',
    folder: 'completion-gpt2',
    checkpoint: 'model.ckpt',
    vocab: 'chinese_vocab.model',
    keywords: { model: 'gpt2' },
    tokenizer: model => ({ kind: 'sentencepiece', model, preTokenize: 'jieba', tokenTranslate: { '▃': '<cls>' } }),
    tasks: { completion: { strategy: 'greedy', maxLen: 16, endId: 3 } },
  },
  cloze: {
    title: '5. The BiLSTM cloze reader of CMRC 2017, tk_highest.ckpt (TensorFlow 1.2) and its pickle',
    folder: 'cloze-bilstm',
    checkpoint: 'tk/tk_highest.ckpt',
    config: 'model.config',
    keywords: { model: 'cloze-bilstm' },
    tasks: {},
  },
} as const satisfies Readonly<Record<string, DemoModel>>;
