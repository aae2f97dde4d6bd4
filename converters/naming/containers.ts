/**
 * Finding a transformer by the names of its layers, in files where it may lie inside another model, beside other layers,
 * under a prefix.
 */
import type { LayerSpec } from '../../onnx-graphs/architecture.ts';

/** A model of the file, at its top or used as a layer of another, that may be or hold a whole transformer. */
export interface Container {
  /** Where the file has it, '' at the top. */
  readonly group: string;
  /** Layer name → its tensors, in the file's order. */
  readonly layers: ReadonlyMap<string, readonly string[]>;
}

/** In a layer's name, whatever the model and prefix: what bert4keras itself calls it. */
const OWN_LAYER = /(Embedding|Transformer|Encoder|Decoder|MLM|Pooler|NSP|Output|LM|Discriminator)-/;

/** A container with the prefix of the layers in it, and how many layers are so named. */
export interface FoundModel {
  readonly container: Container;
  readonly prefix: string;
  readonly hits: number;
}

/**
 * The container and prefix that name the most of `layers`; undefined when there is no container.
 * @param prefix the `prefix` that the model is built with. Keras itself goes by order when it loads, so where the file has no
 * such layers another prefix will do as well.
 */
export function findModel(
  containers: readonly Container[],
  layers: readonly LayerSpec[],
  prefix: string | undefined,
): FoundModel | undefined {
  const candidates = containers.flatMap(container => {
    const prefixes = [...(prefix === undefined ? [] : [prefix]), ...prefixesOf(container, layers)];
    return prefixes.map(prefix => ({ container, prefix, hits: countHits(container, layers, prefix) }));
  });
  const asked = candidates.filter(candidate => candidate.prefix === prefix && candidate.hits > 0);
  const [first, ...others] = asked.length > 0 ? asked : candidates;
  return first && others.reduce((a, b) => (b.hits > a.hits ? b : a), first);
}

/** Whether a layer is one of bert4keras' own under `prefix`, and no head that was put on top. */
export function isOwnLayer(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && OWN_LAYER.exec(name.slice(prefix.length))?.index === 0;
}

/** The layer in a weight's own name: up to the first part that bert4keras names so, for a prefix may hold slashes. */
export function ownerOf(path: string): string {
  const parts = path.split('/');
  const own = parts.findIndex(part => OWN_LAYER.test(part));
  return parts.slice(0, Math.max(own, 0) + 1).join('/');
}

/** Layers of a model that was not the first in its process: TensorFlow 1 writes `Embedding-Token_1` into their weights. */
export function withoutCounters(owners: ReadonlyMap<string, readonly string[]>): Container['layers'] {
  const layers = new Map<string, readonly string[]>();
  for (const [owner, tensors] of owners) {
    const name = OWN_LAYER.test(owner) ? owner.replace(/_\d+$/, '') : owner;
    layers.set(owners.has(name) || layers.has(name) ? owner : name, tensors);
  }
  return layers;
}

/** For labels. */
export function withPrefix(prefix: string): string {
  return prefix === '' ? '' : ` with prefix "${prefix}"`;
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
