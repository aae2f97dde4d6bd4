/**
 * How weights are called in graphs.
 */

/** The id of a weight: layer and slot. Graphs and plans use it; it is also the initializer's name. */
export function weightName(layer: string, slot: string): string {
  return `${layer}/${slot}`;
}
