/**
 * BERT and RoBERTa as Google and the Harbin Institute of Technology publish them.
 * https://github.com/google-research/bert/blob/eedf571/modeling.py
 */
import { dense, type GoogleNames, norm, part, type SlotNames, transposed } from './google.ts';

const LAYER = 'bert/encoder/layer_{i}';

/** Names of the stack of blocks, which NEZHA shares. */
const bertBlocks: Readonly<Record<string, SlotNames>> = {
  'Transformer-{i}-MultiHeadSelfAttention': {
    ...part('query', `${LAYER}/attention/self/query`),
    ...part('key', `${LAYER}/attention/self/key`),
    ...part('value', `${LAYER}/attention/self/value`),
    ...part('output', `${LAYER}/attention/output/dense`),
  },
  'Transformer-{i}-MultiHeadSelfAttention-Norm': norm(`${LAYER}/attention/output/LayerNorm`),
  'Transformer-{i}-FeedForward': {
    ...part('intermediate', `${LAYER}/intermediate/dense`),
    ...part('output', `${LAYER}/output/dense`),
  },
  'Transformer-{i}-FeedForward-Norm': norm(`${LAYER}/output/LayerNorm`),
};

/** Names of the heads, which NEZHA shares. */
export const bertHeads: Readonly<Record<string, SlotNames>> = {
  'Pooler-Dense': dense('bert/pooler/dense'),
  'NSP-Proba': {
    kernel: transposed('cls/seq_relationship/output_weights'),
    bias: 'cls/seq_relationship/output_bias',
  },
  'MLM-Dense': dense('cls/predictions/transform/dense'),
  'MLM-Norm': norm('cls/predictions/transform/LayerNorm'),
  'MLM-Bias': { beta: 'cls/predictions/output_bias' },
};

/** Names of a published BERT. */
export const bert: GoogleNames = {
  layers: {
    'Embedding-Token': { embeddings: 'bert/embeddings/word_embeddings' },
    'Embedding-Segment': { embeddings: 'bert/embeddings/token_type_embeddings' },
    'Embedding-Position': { embeddings: 'bert/embeddings/position_embeddings' },
    'Embedding-Norm': norm('bert/embeddings/LayerNorm'),
    'Embedding-Mapping': dense('bert/encoder/embedding_hidden_mapping_in'),
    ...bertBlocks,
    ...bertHeads,
  },
};
