/**
 * tf.keras' object graph, as `save_weights` without a file extension writes it under TF_KERAS=1:
 * `layer_with_weights-N/<attributes>/.ATTRIBUTES/VARIABLE_VALUE`, where N is the place of the layer among those that have
 * weights. Layers are found by the names that variables had in the program, which tf.keras notes beside them; in a file
 * without such names the order of the architecture's layers decides.
 */
import type { LayerSpec, SlotSpec } from '../../onnx-graphs/architecture.ts';
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
import { FORMER_ATTRIBUTES, FORMER_LAYERS, formerSlot } from './former-names.ts';
import type { Naming, StoredName } from './naming.ts';
import { findVariables } from './variable-names.ts';

const VALUE = '/.ATTRIBUTES/VARIABLE_VALUE';

/** `<container>layer_with_weights-N/<path>`; the container is that of the innermost model. */
const KEY = /^(?<container>.*)layer_with_weights-(?<place>\d+)\/(?<path>.+)\/\.ATTRIBUTES\/VARIABLE_VALUE$/;

/** The attributes of bert4keras' attention and feed-forward layers → their slots. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  query: 'q_dense',
  key: 'k_dense',
  value: 'v_dense',
  output: 'o_dense',
  intermediate: 'i0_dense',
};

/** The object-graph scheme, or undefined when no tensor is named so. */
export function objectGraphNaming(
  checkpoint: Checkpoint,
  layers: readonly LayerSpec[],
  prefix: string | undefined,
): Naming | undefined {
  const found = findModel(namedContainers(checkpoint), layers, prefix);
  const named = findVariables(checkpoint, layers, prefix);
  // Of a SavedModel only the simple layers have keys of this scheme.
  if (named !== undefined && named.hits > (found?.hits ?? 0)) return undefined;
  return found !== undefined && found.hits > 0 ? byName(checkpoint, found) : byPlace(checkpoint, layers);
}

/** The scheme where variables have names, for the model of a container. */
function byName(checkpoint: Checkpoint, { container: { group, layers }, prefix }: FoundModel): Naming {
  const owners = new Map([...layers].flatMap(([owner, names]) => names.map(name => [name, owner] as const)));
  return {
    scheme: 'tf-keras-object-graph',
    label: `${labelOf(group)}${withPrefix(prefix)}`,
    final: true,
    locate: (layer, slot) => {
      const own = prefix + layer.name;
      const [first = ''] = layers.get(own) ?? layers.get(prefix + (FORMER_LAYERS[layer.name] ?? '')) ?? [];
      const place = KEY.exec(first)?.groups?.['place'];
      return storedName(checkpoint, place === undefined ? own : scopeOf(group, place), { layer, slot });
    },
    judge: name => (isOwnLayer(owners.get(name) ?? '', prefix) ? 'part-of-model' : 'extra'),
  };
}

/** The scheme where they have none. */
function byPlace(checkpoint: Checkpoint, layers: readonly LayerSpec[]): Naming | undefined {
  const container = containerOf(checkpoint);
  if (container === undefined) return undefined;
  const places = new Map(layers.map((layer, place) => [layer.name, `${place}`]));
  return {
    scheme: 'tf-keras-object-graph',
    label: labelOf(container),
    final: true,
    locate: (layer, slot) => {
      return storedName(checkpoint, scopeOf(container, places.get(layer.name) ?? ''), { layer, slot });
    },
    judge: judgeBeyond({ container, kinds: layersBeyond(checkpoint, container, layers.length) }),
  };
}

function labelOf(container: string): string {
  return `tf.keras object graph${container === '' ? '' : ` under "${container}"`}`;
}

function scopeOf(container: string, place: string): string {
  return `${container}layer_with_weights-${place}`;
}

/** Where a slot of the layer under `scope` is stored, or would be. */
function storedName(
  checkpoint: Checkpoint,
  scope: string,
  { layer, slot }: { readonly layer: LayerSpec; readonly slot: SlotSpec },
): StoredName {
  const names = attributePaths(layer, slot).map(path => `${scope}/${path}${VALUE}`);
  return { name: names.find(name => checkpoint.tensors.has(name)) ?? names[0] ?? scope };
}

/** The models of a file with the layers that their variables name; none where variables have no names. */
function namedContainers({ tensors, variableNames }: Checkpoint): readonly Container[] {
  const containers = new Map<string, Map<string, string[]>>();
  for (const [name, variable] of variableNames ?? []) {
    const group = KEY.exec(name)?.groups?.['container'];
    if (group === undefined || !tensors.has(name)) continue;
    const owners = containers.get(group) ?? new Map<string, string[]>();
    const owner = ownerOf(variable);
    containers.set(group, owners.set(owner, [...(owners.get(owner) ?? []), name]));
  }
  return [...containers].map(([group, owners]) => ({ group, layers: withoutCounters(owners) }));
}

/** What a layer of the file can be, going by its attributes alone. */
type Kind = 'block' | 'table' | 'bias' | 'norm' | 'head';

/** Kinds by place of the layers that come after the `planned` ones of the model. */
function layersBeyond(checkpoint: Checkpoint, container: string, planned: number): ReadonlyMap<string, Kind> {
  const beyond = new Map<string, string[]>();
  for (const name of checkpoint.tensors.keys()) {
    const { container: found, place = '', path = '' } = KEY.exec(name)?.groups ?? {};
    if (found === container && Number(place) >= planned) beyond.set(place, [...(beyond.get(place) ?? []), path]);
  }
  return new Map([...beyond].map(([place, paths]) => [place, kindOf(paths)]));
}

function kindOf(paths: readonly string[]): Kind {
  const has = (path: string): boolean => paths.includes(path);
  if (has('i0_dense/kernel') || ['q', 'k', 'v', 'o'].every(part => has(`${part}_dense/kernel`))) return 'block';
  if (has('embeddings')) return 'table';
  if (paths.length === 1 && (has('beta') || has('bias'))) return 'bias';
  if (!has('beta')) return 'head';
  return paths.length === 2 && has('gamma') ? 'norm' : 'head';
}

/**
 * After the model come more blocks, another head of bert4keras, or what was put on top for training: a Dense, a CRF, an
 * LSTM … A normalisation belongs to one of the first only where there is more of it than the norm.
 */
function judgeBeyond({
  container,
  kinds,
}: {
  readonly container: string;
  readonly kinds: ReadonlyMap<string, Kind>;
}): Naming['judge'] {
  const goesOn = [...kinds.values()].some(kind => kind !== 'head' && kind !== 'norm');
  return name => {
    const key = KEY.exec(name)?.groups;
    const kind = kinds.get(key?.['place'] ?? '');
    if (key?.['container'] !== container || kind === 'head' || (kind === 'norm' && !goesOn)) return 'extra';
    return 'part-of-model';
  };
}

/** The model (or nested model) with the most layers. */
function containerOf(checkpoint: Checkpoint): string | undefined {
  const places = new Map<string, Set<string>>();
  for (const name of checkpoint.tensors.keys()) {
    const key = KEY.exec(name)?.groups;
    const container = key?.['container'];
    if (container === undefined) continue;
    places.set(container, (places.get(container) ?? new Set()).add(key?.['place'] ?? ''));
  }
  return [...places].reduce<string | undefined>((best, [container, found]) => {
    return found.size > (places.get(best ?? '')?.size ?? 0) ? container : (best ?? container);
  }, undefined);
}

/** Where a layer keeps a slot: now, then in earlier versions. */
function attributePaths({ name }: LayerSpec, { slot }: SlotSpec): readonly string[] {
  const [part = '', leaf] = slot.split('/');
  if (leaf === undefined) return [part, formerSlot(name, part)];
  // Gates follow the first inner product: i1_dense, i2_dense …
  const attribute = ATTRIBUTES[part] ?? part.replace(/^gate-(\d+)$/, 'i$1_dense');
  return [attribute, FORMER_ATTRIBUTES[attribute] ?? attribute].map(inner => `${inner}/${leaf}`);
}
