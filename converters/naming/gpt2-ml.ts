/**
 * GPT2-ML, the Chinese GPT-2 after Grover, under its own names.
 * https://github.com/imcaspar/gpt2-ml
 */
import { type GoogleNames, norm, part } from './google.ts';

const LAYER = 'newslm/layer{i:2}';

/** Names of GPT2-ML. */
export const gpt2Ml: GoogleNames = {
  layers: {
    'Embedding-Token': { embeddings: 'newslm/embeddings/word_embed' },
    'Embedding-Position': { embeddings: 'newslm/embeddings/pos_embed' },
    'Embedding-Norm': norm('newslm/embeddings/LayerNorm_embed_norm'),
    'Transformer-{i}-MultiHeadSelfAttention': {
      ...part('query', `${LAYER}/query_layer`),
      ...part('key', `${LAYER}/key_layer`),
      ...part('value', `${LAYER}/value_layer`),
      ...part('output', `${LAYER}/context_projection_layer`),
    },
    'Transformer-{i}-FeedForward': {
      ...part('intermediate', `${LAYER}/intermediate`),
      ...part('output', `${LAYER}/output`),
    },
    'Transformer-{i}-FeedForward-Norm-0': norm(`${LAYER}/LayerNorm_mlp_ln0`),
    'Transformer-{i}-FeedForward-Norm-1': norm(`${LAYER}/LayerNorm_mlp_ln1`),
  },
};
