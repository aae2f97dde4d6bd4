/**
 * The table of presets, by name. Settings are those of the programs linked; see docs/presets.md.
 */
import type { JsonObject } from '../onnx-graphs/architecture.ts';
import type { Manifest } from '../src/core/manifest.ts';
import type { SentencePieceSource, WordPieceSource } from './tokenizer-files.ts';

/** A tokenizer's settings without its file. */
export type TokenizerSettings = Omit<WordPieceSource, 'vocab'> | Omit<SentencePieceSource, 'model'>;

/** How a published checkpoint is converted. */
export interface Preset {
  readonly name: string;
  /** One line for people. */
  readonly describe: string;
  /** Where the checkpoint or its program is published. */
  readonly link: string;
  /** Keywords of `build_transformer_model`, `model` among them. */
  readonly keywords: JsonObject & { readonly model: string };
  /** Null where the configuration holds the vocabulary. */
  readonly tokenizer: TokenizerSettings | null;
  /**
   * First tokens of the vocabulary that `load_vocab(simplified=True, startswith=…)` makes, where the program does that.
   * It sets `keep_tokens`, unless the vocabulary given is simplified already.
   */
  readonly simplified?: readonly string[];
  /** Task name → settings. */
  readonly tasks: Manifest['tasks'];
}

/** Google's and most other Chinese vocabularies. */
const uncased = { kind: 'wordpiece', doLowerCase: true } as const;

/** Vocabularies of words as jieba's dictionary has them. */
const words = { ...uncased, preTokenize: 'jieba' } as const;

/** No token before or after a text: it goes on. */
const open = { ...uncased, tokenStart: null, tokenEnd: null } as const;

/** bert4keras' article completion: until a full stop, at least 128 tokens. */
const article = { endToken: '。', minLen: 128, maxLen: 256 } as const;

/** Zhuiyi's similar sentences: one model writes them and compares them by its pooled vectors. */
function similarSentences(maxLen: number): Preset['tasks'] {
  return {
    completion: { strategy: 'sample', topP: 0.95, maxLen, promptText: 'omitted' },
    embed: { pooling: 'pooler', normalize: true, maxLen },
  };
}

/** bert4keras' titles: at most 32 tokens for a text cut to so many. */
function title(maxPromptLen: number): JsonObject {
  return { strategy: 'bert4keras-beam', topK: 1, maxPromptLen, maxLen: 32, promptText: 'omitted' };
}

/** Entries in alphabetical order. */
export const presets: readonly Preset[] = [
  {
    name: 'albert-chinese',
    describe: "Google's Chinese ALBERT, albert_base_zh to albert_xxlarge_zh, with pooler and masked-token head",
    link: 'https://github.com/google-research/albert',
    keywords: { model: 'albert', with_pool: true, with_mlm: true },
    tokenizer: uncased,
    tasks: {},
  },
  {
    name: 'albert-zh',
    describe: "brightmart's ALBERT in Google's form: albert_tiny_google_zh, albert_small_google_zh",
    link: 'https://github.com/brightmart/albert_zh',
    keywords: { model: 'albert', with_pool: true, with_mlm: true },
    tokenizer: uncased,
    tasks: {},
  },
  {
    name: 'bert-chinese',
    describe: "Google's chinese_L-12_H-768_A-12: BERT with pooler and masked-token head",
    link: 'https://github.com/google-research/bert',
    keywords: { model: 'bert', with_pool: true, with_mlm: true },
    tokenizer: uncased,
    tasks: {},
  },
  {
    name: 'bert-unilm',
    describe: 'a BERT fine-tuned for text to text with the UniLM mask, e.g. titles',
    link: 'https://github.com/bojone/bert4keras/blob/master/examples/task_seq2seq_autotitle.py',
    keywords: { model: 'bert', application: 'unilm' },
    tokenizer: uncased,
    tasks: { completion: title(224) },
  },
  {
    name: 'cdial-gpt',
    describe: 'CDial-GPT in its TensorFlow form: Chinese dialogues, speakers as tokens',
    link: 'https://github.com/bojone/CDial-GPT-tf',
    keywords: { model: 'gpt' },
    tokenizer: uncased,
    tasks: { chat: { speakers: ['[speaker1]', '[speaker2]'], strategy: 'sample', topK: 5, maxLen: 32 } },
  },
  {
    name: 'cmrc-cloze',
    describe: 'the BiLSTM cloze reader of CMRC 2017; its model.config is the configuration',
    link: 'https://github.com/bojone/CCL_CMRC2017',
    keywords: { model: 'cloze-bilstm' },
    tokenizer: null,
    tasks: {},
  },
  {
    name: 'cpm-lm',
    describe: 'CPM-LM, 2.6 billion parameters: Chinese text, few-shot tasks',
    link: 'https://github.com/bojone/CPM_LM_bert4keras',
    keywords: { model: 'gpt2' },
    tokenizer: { kind: 'sentencepiece', preTokenize: 'jieba', tokenStart: null, tokenEnd: null },
    // 3 is a line end, under either name that the published vocabularies give it.
    tasks: {
      completion: { endId: 3, strategy: 'sample', topP: 0.95, maxLen: 16, promptText: 'decoded', signs: 'cpm' },
    },
  },
  {
    name: 'electra-chinese',
    describe: 'Chinese ELECTRA with the head that finds replaced tokens',
    link: 'https://github.com/ymcui/Chinese-ELECTRA',
    keywords: { model: 'electra', with_discriminator: true },
    tokenizer: uncased,
    tasks: {},
  },
  {
    name: 'gpt2-ml',
    describe: 'GPT2-ML, 1.5 billion parameters: Chinese articles',
    link: 'https://github.com/imcaspar/gpt2-ml',
    keywords: { model: 'gpt2_ml' },
    tokenizer: open,
    tasks: { completion: { ...article, strategy: 'sample', topP: 0.95, promptText: 'given' } },
  },
  {
    name: 'mlm-rc',
    describe: "bert4keras' reading comprehension by masked tokens",
    link: 'https://github.com/bojone/bert4keras/blob/master/examples/task_reading_comprehension_by_mlm.py',
    keywords: { model: 'bert', with_mlm: true },
    tokenizer: uncased,
    simplified: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'],
    tasks: {},
  },
  {
    name: 'mt5',
    describe: 'multilingual T5, or one fine-tuned for text to text',
    link: 'https://github.com/bojone/t5_in_bert4keras',
    keywords: { model: 'mt5.1.1' },
    tokenizer: { kind: 'sentencepiece', tokenStart: null, tokenEnd: '</s>' },
    tasks: { completion: { ...title(256), startId: 0 } },
  },
  {
    name: 'nezha-base',
    describe: "Huawei's NEZHA-Base with its masked-token head",
    link: 'https://github.com/huawei-noah/Pretrained-Language-Model/tree/master/NEZHA-TensorFlow',
    keywords: { model: 'nezha', with_mlm: true },
    tokenizer: uncased,
    tasks: {},
  },
  {
    name: 'nezha-chat',
    describe: 'NEZHA trained on open Chinese dialogues, turns in alternating segments',
    link: 'https://github.com/bojone/nezha_gpt_dialog',
    keywords: { model: 'nezha', application: 'lm' },
    tokenizer: uncased,
    tasks: { chat: { strategy: 'sample', topK: 5, maxLen: 32 } },
  },
  {
    name: 'nezha-gen',
    describe: "Huawei's NEZHA-Gen: a GPT in BERT's form, Chinese articles",
    link: 'https://github.com/bojone/chinese-gen',
    keywords: { model: 'bert', application: 'lm', segment_vocab_size: 0 },
    tokenizer: { ...uncased, tokenEnd: null },
    tasks: { completion: { ...article, strategy: 'sample', topK: 5, promptText: 'given' } },
  },
  {
    name: 'roberta-unilm',
    describe: 'a Chinese RoBERTa fine-tuned for text to text with the UniLM mask',
    link: 'https://github.com/ymcui/Chinese-BERT-wwm',
    keywords: { model: 'roberta', application: 'unilm' },
    tokenizer: uncased,
    tasks: { completion: title(224) },
  },
  {
    name: 'roberta-wwm',
    describe: 'Chinese RoBERTa-wwm-ext with its masked-token head',
    link: 'https://github.com/ymcui/Chinese-BERT-wwm',
    keywords: { model: 'roberta', with_mlm: true },
    tokenizer: uncased,
    tasks: {},
  },
  {
    name: 'roformer',
    describe: 'RoFormer over words with its masked-token head',
    link: 'https://github.com/ZhuiyiTechnology/roformer',
    keywords: { model: 'roformer', with_mlm: true },
    tokenizer: words,
    tasks: {},
  },
  {
    name: 'roformer-char',
    describe: 'RoFormer over characters with its masked-token head',
    link: 'https://github.com/ZhuiyiTechnology/roformer',
    keywords: { model: 'roformer', with_mlm: true },
    tokenizer: uncased,
    tasks: {},
  },
  {
    name: 'roformer-gpt',
    describe: 'RoFormer-GPT over characters: Chinese articles',
    link: 'https://github.com/ZhuiyiTechnology/roformer/blob/main/test_roformer_gpt.py',
    keywords: { model: 'roformer', application: 'lm' },
    tokenizer: { ...uncased, tokenEnd: null },
    tasks: { completion: { ...article, strategy: 'sample', topP: 0.95, promptText: 'given' } },
  },
  {
    name: 'roformer-sim',
    describe: 'RoFormer-Sim (SimBERT v2): writes similar sentences and compares them',
    link: 'https://github.com/ZhuiyiTechnology/roformer-sim/blob/main/test/generate.py',
    keywords: { model: 'roformer', application: 'unilm', with_pool: 'linear' },
    tokenizer: uncased,
    tasks: similarSentences(64),
  },
  {
    name: 'roformer-v2',
    describe: 'RoFormer v2 over characters, with token scores',
    link: 'https://github.com/ZhuiyiTechnology/roformer-v2',
    keywords: { model: 'roformer_v2', with_mlm: true },
    tokenizer: uncased,
    tasks: {},
  },
  {
    name: 'seq2seq-rc',
    describe: "bert4keras' reading comprehension by text to text",
    link: 'https://github.com/bojone/bert4keras/blob/master/examples/task_reading_comprehension_by_seq2seq.py',
    keywords: { model: 'bert', application: 'unilm' },
    tokenizer: uncased,
    simplified: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'],
    tasks: {},
  },
  {
    name: 'simbert',
    describe: 'SimBERT: writes similar sentences and compares them',
    link: 'https://github.com/ZhuiyiTechnology/simbert',
    keywords: { model: 'bert', application: 'unilm', with_pool: 'linear' },
    tokenizer: uncased,
    tasks: similarSentences(32),
  },
  {
    name: 't5-pegasus',
    describe: 'T5-PEGASUS over words: summaries and titles, or one fine-tuned for text to text',
    link: 'https://github.com/ZhuiyiTechnology/t5-pegasus',
    keywords: { model: 'mt5.1.1' },
    tokenizer: words,
    tasks: { completion: { ...title(256), startToken: '[CLS]' } },
  },
  {
    name: 'wobert',
    describe: 'WoBERT: BERT over words with its masked-token head',
    link: 'https://github.com/ZhuiyiTechnology/WoBERT',
    keywords: { model: 'bert', with_mlm: true },
    tokenizer: words,
    tasks: {},
  },
];
