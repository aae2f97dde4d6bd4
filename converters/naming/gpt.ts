/**
 * GPT in the names that bert4keras reads: CDial-GPT and other PyTorch models converted for it.
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/bert4keras/models.py
 */
import { dense, type GoogleNames, norm, part, type SlotNames } from './google.ts';

const LAYER = 'gpt/transformer/layer_{i}';

/** Names of embeddings and projections, which GPT-2 shares. */
export const gptProjections: Readonly<Record<string, SlotNames>> = {
  'Embedding-Token': { embeddings: 'gpt/embeddings/word_embeddings' },
  'Embedding-Position': { embeddings: 'gpt/embeddings/position_embeddings' },
  'Embedding-Mapping': dense('gpt/transformer/embedding_hidden_mapping_in'),
  'Transformer-{i}-MultiHeadSelfAttention': {
    ...part('query', `${LAYER}/attention/self/query`),
    ...part('key', `${LAYER}/attention/self/key`),
    ...part('value', `${LAYER}/attention/self/value`),
    ...part('output', `${LAYER}/attention/output/dense`),
  },
  'Transformer-{i}-FeedForward': {
    ...part('intermediate', `${LAYER}/intermediate/dense`),
    ...part('output', `${LAYER}/output/dense`),
  },
};

/** Names of a GPT. */
export const gpt: GoogleNames = {
  layers: {
    ...gptProjections,
    'Embedding-Segment': { embeddings: 'gpt/embeddings/token_type_embeddings' },
    'Transformer-{i}-MultiHeadSelfAttention-Norm': norm(`${LAYER}/attention/output/LayerNorm`),
    'Transformer-{i}-FeedForward-Norm': norm(`${LAYER}/output/LayerNorm`),
  },
};
