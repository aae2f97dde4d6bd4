/**
 * Keras layer names, as `save_weights` and `model.save` write them to HDF5. A weight is found by the name of its layer and
 * its place in the layer; names of inner layers (`dense_7`) are counters of the process that wrote the file and mean
 * nothing. A transformer that was used as a layer of another model is one group whose weights carry the inner names, so
 * the owner of a weight is the first part of its own name, not the group it lies in.
 */
import type { LayerSpec } from '../../onnx-graphs/architecture.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  type Container,
  type FoundModel,
  findModel,
  isOwnLayer,
  ownerOf,
  withoutCounters,
  withPrefix,
} from './containers.ts';
import { FORMER_LAYERS, formerSlot } from './former-names.ts';
import type { Naming } from './naming.ts';

/** The Keras scheme, or undefined when the file has no layers. */
export function kerasNaming(
  checkpoint: Checkpoint,
  layers: readonly LayerSpec[],
  prefix: string | undefined,
): Naming | undefined {
  if (checkpoint.layers === undefined) return undefined;
  const found = findModel(containersOf(checkpoint), layers, prefix);
  if (found === undefined) return undefined;
  const { group } = found.container;
  const nested = group === '' ? '' : ` inside the nested model "${group}"`;
  return layerNaming(found, name => name, { label: `Keras layer names${withPrefix(found.prefix)}${nested}` });
}

/** The scheme for the model that was found; `nameOf` gives the own name of a tensor's variable. */
export function layerNaming(
  { container: { group, layers }, prefix }: Omit<FoundModel, 'hits'>,
  nameOf: (tensor: string) => string,
  { label }: Pick<Naming, 'label'>,
): Naming {
  return {
    scheme: 'keras-layers',
    label,
    final: true,
    locate: (layer, slot) => {
      const own = prefix + layer.name;
      const former = prefix + (FORMER_LAYERS[layer.name] ?? layer.name);
      const stored = pair(layer, layers.get(own) ?? layers.get(former) ?? [], nameOf).get(slot.slot);
      return { name: stored ?? `${group === '' ? own : group}/${own}/${slot.slot}:0` };
    },
    judge: name => {
      const owner = [...layers].find(([, names]) => names.includes(name))?.[0] ?? '';
      return isOwnLayer(owner, prefix) ? 'part-of-model' : 'extra';
    },
  };
}

/** Slots and tensors of one layer in order; a slot whose kind of weight does not come next is left out. */
function pair(
  layer: LayerSpec,
  tensors: readonly string[],
  nameOf: (tensor: string) => string,
): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  let next = 0;
  for (const { slot } of layer.slots) {
    const name = tensors[next];
    if (name === undefined) break;
    const kind = kindOf(nameOf(name));
    if (![slot, formerSlot(layer.name, slot)].some(known => kind === kindOf(known))) continue;
    pairs.set(slot, name);
    next++;
  }
  return pairs;
}

/** `kernel` of `query/kernel`, and of `dense_7/kernel:0`. */
function kindOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1).replace(/:\d+$/, '');
}

function containersOf(checkpoint: Checkpoint): readonly Container[] {
  const top = { group: '', layers: new Map<string, string[]>() };
  const nested: Container[] = [];
  for (const { name: group, tensors } of checkpoint.layers ?? []) {
    const owners = new Map<string, string[]>();
    for (const tensor of tensors) {
      const owner = ownerOf(tensor.slice(group.length + 1));
      owners.set(owner, [...(owners.get(owner) ?? []), tensor]);
    }
    top.layers.set(group, [...tensors]);
    if (owners.size > 1) nested.push({ group, layers: withoutCounters(owners) });
  }
  return [top, ...nested];
}
