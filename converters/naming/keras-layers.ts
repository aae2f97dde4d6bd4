/**
 * Keras layer names, as `save_weights` and `model.save` write them to HDF5. A weight is found by the name of its layer and
 * its place in the layer; names of inner layers (`dense_7`) are counters of the process that wrote the file and mean
 * nothing. A transformer that was used as a layer of another model is one group whose weights carry the inner names, so
 * the owner of a weight is the first part of its own name, not the group it lies in.
 */
import type { LayerSpec } from '../../onnx-graphs/architecture.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { FORMER_LAYERS, formerSlot } from './former-names.ts';
import type { Naming } from './naming.ts';

/** A group of the file (or its top level, where groups are layers) that may hold a whole transformer. */
interface Container {
  /** Name of the nested model's group, '' at the top level. */
  readonly group: string;
  /** Layer name → its tensors in Keras' order. */
  readonly layers: Map<string, string[]>;
}

/** In a layer's name, whatever the model and prefix: what bert4keras itself calls it. */
const OWN_LAYER = /(Embedding|Transformer|Encoder|Decoder|MLM|Pooler|NSP|Output|LM|Discriminator)-/;

/**
 * The Keras scheme, or undefined when the file has no layers.
 * @param prefix the `prefix` that the model is built with. Keras itself goes by order when it loads, so where the file has no
 * such layers another prefix will do as well: the one that names the most layers counts.
 */
export function kerasNaming(
  checkpoint: Checkpoint,
  layers: readonly LayerSpec[],
  prefix: string | undefined,
): Naming | undefined {
  if (checkpoint.layers === undefined) return undefined;
  const candidates = containersOf(checkpoint).flatMap(container => {
    const prefixes = [...(prefix === undefined ? [] : [prefix]), ...prefixesOf(container, layers)];
    return prefixes.map(prefix => ({ container, prefix, hits: countHits(container, layers, prefix) }));
  });
  const asked = candidates.filter(candidate => candidate.prefix === prefix && candidate.hits > 0);
  const best = (asked.length > 0 ? asked : candidates).reduce((a, b) => (b.hits > a.hits ? b : a));
  return namingOf(best.container, best.prefix);
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
      const own = owner.startsWith(prefix) ? OWN_LAYER.exec(owner.slice(prefix.length)) : null;
      return own?.index === 0 ? 'part-of-model' : 'extra';
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
  const top: Container = { group: '', layers: new Map() };
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

/** The layer in a weight's own name: up to the first part that bert4keras names so, for a prefix may hold slashes. */
function ownerOf(path: string): string {
  const parts = path.split('/');
  const own = parts.findIndex(part => OWN_LAYER.test(part));
  return parts.slice(0, Math.max(own, 0) + 1).join('/');
}

/** Layers of a model that was not the first in its process: TensorFlow 1 writes `Embedding-Token_1` into their weights. */
function withoutCounters(owners: ReadonlyMap<string, string[]>): Map<string, string[]> {
  const layers = new Map<string, string[]>();
  for (const [owner, tensors] of owners) {
    const name = OWN_LAYER.test(owner) ? owner.replace(/_\d+$/, '') : owner;
    layers.set(owners.has(name) || layers.has(name) ? owner : name, tensors);
  }
  return layers;
}

/** What stands before a known layer name somewhere in the container: '' when names are bare. */
function prefixesOf({ layers: found }: Container, layers: readonly LayerSpec[]): readonly string[] {
  const first = layers[0]?.name ?? '';
  const prefixes = [...found.keys()].filter(name => name.endsWith(first)).map(name => name.slice(0, -first.length));
  return prefixes.length === 0 ? [''] : prefixes;
}

function countHits({ layers: found }: Container, layers: readonly LayerSpec[], prefix: string): number {
  return layers.filter(layer => found.has(prefix + layer.name)).length;
}
