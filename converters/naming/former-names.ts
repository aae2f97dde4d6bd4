/**
 * What earlier versions of bert4keras call layers and weights that have other names since. The present one loads their
 * Keras files all the same, since Keras goes by order.
 *
 * https://github.com/bojone/bert4keras/commit/a22be40 (0.11), https://github.com/bojone/bert4keras/commit/81014a6 (0.9.2),
 * https://github.com/bojone/bert4keras/commit/ac60b06 (0.7)
 */

/** Layer → its name until 0.6, when token scores and their bias were one layer. */
export const FORMER_LAYERS: Readonly<Record<string, string>> = { 'MLM-Bias': 'MLM-Proba' };

/** The bias of the masked-token head was a `bias`, not a `beta`, until 0.10; any other slot keeps its name. */
export function formerSlot(layer: string, slot: string): string {
  return layer === 'MLM-Bias' ? 'bias' : slot;
}

/** The attributes of a feed-forward layer until 0.9.1, by those they have now. */
export const FORMER_ATTRIBUTES: Readonly<Record<string, string>> = { i0_dense: 'dense_1', o_dense: 'dense_2' };
