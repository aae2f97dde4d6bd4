/**
 * Keras layer names, as `save_weights` and `model.save` write them to HDF5. A weight is found by the name of its layer and
 * its place in the layer; names of inner layers (`dense_7`) are counters of the process that wrote the file and mean
 * nothing. A transformer that was used as a layer of another model is one group whose weights carry the inner names, so
 * the owner of a weight is the first part of its own name, not the group it lies in.
 */
import type { LayerSpec } from '../../onnx-graphs/architecture.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { type Container, findModel, isOwnLayer, ownerOf, withoutCounters } from './containers.ts';
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
  return found && namingOf(found.container, found.prefix);
}

function namingOf({ group, layers }: Container, prefix: string): Naming {
  const nested = group === '' ? '' : ` inside the nested model "${group}"`;
  return {
    scheme: 'keras-layers',
    label: `Keras layer names${prefix === '' ? '' : ` with prefix "${prefix}"`}${nested}`,
    final: true,
    locate: (layer, slot) => {
      const own = prefix + layer.name;
      const former = prefix + (FORMER_LAYERS[layer.name] ?? layer.name);
      const stored = pair(layer, layers.get(own) ?? layers.get(former) ?? []).get(slot.slot);
      return { name: stored ?? `${group === '' ? own : group}/${own}/${slot.slot}:0` };
    },
    judge: name => {
      const owner = [...layers].find(([, names]) => names.includes(name))?.[0] ?? '';
      return isOwnLayer(owner, prefix) ? 'part-of-model' : 'extra';
    },
  };
}

/** Slots and tensors of one layer in order; a slot whose kind of weight does not come next is left out. */
function pair(layer: LayerSpec, tensors: readonly string[]): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  let next = 0;
  for (const { slot } of layer.slots) {
    const name = tensors[next];
    if (name === undefined) break;
    if (![slot, formerSlot(layer.name, slot)].some(known => kindOf(name) === kindOf(known))) continue;
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
