/**
 * The tensors of a cache: keys and values of each layer, as the step graph names them.
 */
import type { Dimensions } from '../core/manifest.ts';

/** Keys or values of one layer: N heads of `size` numbers a slot, [B, N, P, size]. */
export interface Store {
  /** The graph's input for what is kept, and its output for new rows. */
  readonly name: string;
  readonly output: string;
  readonly size: number;
}

/** All stores, layer by layer. */
export function storesOf({ layers, keySize, headSize }: Dimensions): readonly Store[] {
  return Array.from({ length: layers }, (_, layer) => [
    { name: `past_key.${layer}`, output: `new_key.${layer}`, size: keySize },
    { name: `past_value.${layer}`, output: `new_value.${layer}`, size: headSize },
  ]).flat();
}
