/**
 * ALBERT as Google publishes it: BERT's names around one block for all.
 * https://github.com/google-research/albert/blob/a36e095d3066934a30c7e2a816b2eeb3480e9b87/modeling.py
 */
import { bert } from './bert.ts';
import { type GoogleNames, norm, part, type SlotNames } from './google.ts';

const BLOCK = 'bert/encoder/transformer/group_0/inner_group_0';

const attention: SlotNames = {
  ...part('query', `${BLOCK}/attention_1/self/query`),
  ...part('key', `${BLOCK}/attention_1/self/key`),
  ...part('value', `${BLOCK}/attention_1/self/value`),
  ...part('output', `${BLOCK}/attention_1/output/dense`),
};

const feedForward: SlotNames = {
  ...part('intermediate', `${BLOCK}/ffn_1/intermediate/dense`),
  ...part('output', `${BLOCK}/ffn_1/intermediate/output/dense`),
};

/** Names of a published ALBERT, for blocks that share their weights and for those that each start from them. */
export const albert: GoogleNames = {
  layers: {
    ...bert.layers,
    ...ofBlock('Transformer'),
    ...ofBlock('Transformer-{i}'),
  },
};

function ofBlock(name: string): GoogleNames['layers'] {
  return {
    [`${name}-MultiHeadSelfAttention`]: attention,
    [`${name}-MultiHeadSelfAttention-Norm`]: norm(`${BLOCK}/LayerNorm`),
    [`${name}-FeedForward`]: feedForward,
    [`${name}-FeedForward-Norm`]: norm(`${BLOCK}/LayerNorm_1`),
  };
}
