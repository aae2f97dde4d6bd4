/**
 * Keras' names of variables in a TensorFlow bundle: what a `tf.train.Saver` over a Keras session writes as keys, and what
 * tf.keras notes beside keys of its own in a SavedModel (`variables/variables`), where inner layers have no attributes.
 */
import type { LayerSpec } from '../../onnx-graphs/architecture.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { type Container, type FoundModel, findModel, ownerOf, withoutCounters, withPrefix } from './containers.ts';
import { layerNaming } from './keras-layers.ts';
import type { Naming } from './naming.ts';

/** `<layer>/<weight>` or `<layer>/dense_N/<weight>`; slots and averages of variables end otherwise. */
const VARIABLE = /(?:\/dense(?:_(?<counter>\d+))?)?\/(?<weight>embeddings|beta|gamma|kernel|bias)$/;

/** Keras' order of the weights of one layer. */
const ORDER = ['embeddings', 'beta', 'gamma', 'kernel', 'bias'];

/** The Keras scheme over names of variables, or undefined when they name no layer that is wanted. */
export function variableNaming(
  checkpoint: Checkpoint,
  layers: readonly LayerSpec[],
  prefix: string | undefined,
): Naming | undefined {
  const found = findVariables(checkpoint, layers, prefix);
  if (found === undefined) return undefined;
  const nameOf = (tensor: string): string => checkpoint.variableNames?.get(tensor) ?? tensor;
  return layerNaming(found, nameOf, { label: `Keras names of variables${withPrefix(found.prefix)}` });
}

/** The model among the variables of a bundle; undefined when there is none of its layers. */
export function findVariables(
  checkpoint: Checkpoint,
  layers: readonly LayerSpec[],
  prefix: string | undefined,
): FoundModel | undefined {
  const found = findModel([variableContainer(checkpoint)], layers, prefix);
  return found !== undefined && found.hits > 0 ? found : undefined;
}

/** All variables of a bundle by layer, in Keras' order: inner Dense layers count up as they are made. */
function variableContainer({ tensors, variableNames }: Checkpoint): Container {
  const owners = new Map<string, { readonly tensor: string; readonly place: number }[]>();
  for (const tensor of tensors.keys()) {
    const variable = variableNames?.get(tensor) ?? tensor;
    const found = VARIABLE.exec(variable)?.groups;
    if (found === undefined) continue;
    const place = Number(found['counter'] ?? 0) * ORDER.length + ORDER.indexOf(found['weight'] ?? '');
    const owner = ownerOf(variable);
    owners.set(owner, [...(owners.get(owner) ?? []), { tensor, place }]);
  }
  const sorted = [...owners].map(([owner, weights]) => {
    const inOrder = weights.toSorted((a, b) => a.place - b.place);
    return [owner, inOrder.map(({ tensor }) => tensor)] as const;
  });
  return { group: '', layers: withoutCounters(new Map(sorted)) };
}
