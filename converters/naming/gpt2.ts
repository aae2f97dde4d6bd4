/**
 * GPT-2 in the names that bert4keras reads: CPM and other PyTorch models converted for it. Norms come before each half of
 * a block.
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/bert4keras/models.py
 */
import { type GoogleNames, norm } from './google.ts';
import { gptProjections } from './gpt.ts';

const LAYER = 'gpt/transformer/layer_{i}';

/** Names of a GPT-2. */
export const gpt2: GoogleNames = {
  layers: {
    ...gptProjections,
    'Transformer-{i}-MultiHeadSelfAttention-Norm': norm(`${LAYER}/attention/input/LayerNorm`),
    'Transformer-{i}-FeedForward-Norm': norm(`${LAYER}/input/LayerNorm`),
    'Output-Norm': norm('gpt/output/LayerNorm'),
  },
};
