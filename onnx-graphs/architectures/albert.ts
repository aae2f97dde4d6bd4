/**
 * ALBERT (Lan et al. 2019, https://arxiv.org/abs/1909.11942): BERT with one set of weights for all blocks. `albert_unshared`
 * starts from the same weights and gives each block its own, to be trained further.
 *
 * Their normalisations differ by oversight: bert4keras passes no ε to the shared ones, which leaves Keras' default.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/models.py#L791-L947
 */
import type { Architecture } from '../architecture.ts';
import { type BertConfig, describeBert, readBertConfig } from '../config/bert-config.ts';
import { readConfig } from '../config/config-reader.ts';
import { adoptTableRows, learnedPositionLimit } from '../config/transformer-config.ts';
import { bertEmbeddingLayers } from '../layers/bert-embeddings.ts';
import { type BertEpsilons, bertGraphs } from '../layers/bert-graphs.ts';
import { bertHeadLayers } from '../layers/bert-heads.ts';
import { postNormLayers } from '../layers/transformer.ts';

/** ALBERT. */
export const albert = albertNamed('albert', { sharedBlocks: true, epsilons: { embeddings: 1e-12, blocks: 1e-7 } });

/** ALBERT whose blocks have weights of their own. */
export const albertUnshared = albertNamed('albert_unshared', {
  sharedBlocks: false,
  epsilons: { embeddings: 1e-12, blocks: 1e-12 },
});

function albertNamed(
  name: string,
  { sharedBlocks, epsilons }: { readonly sharedBlocks: boolean; readonly epsilons: BertEpsilons },
): Architecture<BertConfig> {
  return {
    name,

    parseConfig(config, keywords) {
      const read = readConfig('ALBERT configuration', config, keywords);
      const parsed = readBertConfig(read);
      read.finish();
      return { ...parsed, sharedBlocks };
    },

    adoptShapes: adoptTableRows,

    layers(config) {
      const embeddings = bertEmbeddingLayers(config, { positions: true });
      return [...embeddings, ...postNormLayers(config), ...bertHeadLayers(config)];
    },

    graphs: bertGraphs(epsilons),

    describe: config => describeBert(config, { modelType: 'albert', maxPositions: learnedPositionLimit(config) }),
  };
}
