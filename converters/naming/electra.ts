/**
 * ELECTRA's discriminators as Google and the Harbin Institute of Technology publish them: BERT's names in a scope of their
 * own.
 * https://github.com/google-research/electra/blob/8a46635f32083ada044d7e9ad09604742600ee7b/model/modeling.py
 */
import { bert } from './bert.ts';
import { dense, type GoogleNames, type SlotNames } from './google.ts';

/** Names of a published ELECTRA. */
export const electra: GoogleNames = {
  layers: {
    ...Object.fromEntries(Object.entries(bert.layers).map(([layer, slots]) => [layer, inScope(slots)])),
    'Embedding-Mapping': dense('electra/embeddings_project'),
    'Discriminator-Dense': dense('discriminator_predictions/dense'),
    'Discriminator-Prediction': dense('discriminator_predictions/dense_1'),
  },
};

function inScope(slots: SlotNames): SlotNames {
  const rename = (name: string): string => name.replace(/^bert\//, 'electra/');
  const renamed = Object.entries(slots).map(([slot, stored]) => {
    return [slot, typeof stored === 'string' ? rename(stored) : { ...stored, name: rename(stored.name) }] as const;
  });
  return Object.fromEntries(renamed);
}
