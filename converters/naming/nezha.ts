/**
 * NEZHA as Huawei publishes it: BERT's names without a position table; the relative table is computed, never stored.
 * https://github.com/huawei-noah/Pretrained-Language-Model/tree/master/NEZHA-TensorFlow
 */
import { bert } from './bert.ts';
import type { GoogleNames } from './google.ts';

const { 'Embedding-Position': _, ...layers } = bert.layers;

/** Names of a published NEZHA. */
export const nezha: GoogleNames = {
  layers,
  foreign: ['bert/embeddings/position_embeddings'],
};
