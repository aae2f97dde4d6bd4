/**
 * How Keras lays weights out in an HDF5 file: the attribute `layer_names` lists every layer in model order, each
 * layer's group has `weight_names`, paths of datasets inside it, in the layer's own order. Only these lists give order;
 * links are alphabetical, which puts dense_10 before dense_9.
 *
 * Reference: https://github.com/keras-team/keras/blob/2.3.1/keras/engine/saving.py, load_weights_from_hdf5_group.
 */
import { FormatError } from '../../src/core/errors.ts';
import type { CheckpointLayer, CheckpointTensor } from '../checkpoint.ts';
import { readSplitText } from './attributes.ts';
import { describeDataset } from './dataset.ts';
import { type Hdf5File, type Hdf5Object, linkNames, openChild } from './jsfive-file.ts';

/** What a whole-model file keeps beside its weights. */
const OPTIMIZER = 'optimizer_weights';

/** A group beside the layers, not one of them: weights that a subclassed model of tf.keras 2.7 and later owns itself. */
const TOP_LEVEL = 'top_level_model_weights';

/** The layers of a file. */
export interface KerasLayers {
  /** The group that holds the layers: the root, or `model_weights` in a file of a whole model. */
  readonly group: Hdf5Object;
  readonly layers: readonly CheckpointLayer[];
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Objects beside the layers, with why they were set aside. */
  readonly skipped: ReadonlyMap<string, string>;
}

/**
 * Reads the lists and describes every weight.
 * @throws FormatError when the file isn't from Keras, or when lists and weights don't match one to one: an attribute
 * that damage has hidden would otherwise take layers away unnoticed.
 */
export async function readKerasLayers(file: Hdf5File): Promise<KerasLayers> {
  const { group, names } = await findLayerNames(file);
  const layers: CheckpointLayer[] = [];
  const tensors = new Map<string, CheckpointTensor>();
  const skipped = new Map<string, string>();
  // A slash in a layer's name, as a prefix may bring, is a step from group to group.
  const parents = new Map<string, Hdf5Object>([['', group]]);
  for (const name of names) {
    const layer = await descend(file, parents, { path: name, kind: 'layer' });
    const weights = await readLayer(file, layer, name);
    for (const weight of weights) tensors.set(weight.name, weight);
    layers.push({ name, tensors: weights.map(weight => weight.name) });
  }
  await skipOthers(file, { group, parents, names: new Set(names) }, skipped);
  checkOverlap(file, tensors);
  return { group, layers, tensors, skipped };
}

async function findLayerNames(file: Hdf5File): Promise<{ group: Hdf5Object; names: readonly string[] }> {
  const names = await readSplitText(file, file.root, 'layer_names');
  if (names !== undefined) return { group: file.root, names };
  const group = await openChild(file, file.root, 'model_weights');
  const inner = group === undefined ? undefined : await readSplitText(file, group, 'layer_names');
  if (group === undefined || inner === undefined) {
    throw new FormatError({
      file: file.source.name,
      what: 'Keras weights',
      expected: 'the attribute "layer_names" at the root or in /model_weights',
      found: `an HDF5 file with ${linkNames(file.root).slice(0, 8).join(', ') || 'nothing'} at its root`,
      next: "Keras 3 writes another layout: save with Keras 2's model.save_weights.",
    });
  }
  return { group, names: inner };
}

/** The weights of a layer; a model used as a layer lists all its inner weights. */
async function readLayer(file: Hdf5File, layer: Hdf5Object, name: string): Promise<readonly CheckpointTensor[]> {
  const paths = await readSplitText(file, layer, 'weight_names');
  if (paths === undefined) throw file.image.error(`layer "${name}"`, 'the attribute "weight_names"', 'none');
  const groups = new Map<string, Hdf5Object>([['', layer]]);
  const weights: CheckpointTensor[] = [];
  const known = new Set<string>(['']);
  for (const path of paths) {
    if (known.has(path)) throw file.image.error(`weight "${path}" of layer "${name}"`, 'one of that name', 'two');
    const object = await descend(file, groups, { path, kind: 'weight' });
    for (let at = 0; at >= 0; at = path.indexOf('/', at + 1)) known.add(at === 0 ? path : path.slice(0, at));
    weights.push(await describeDataset(file, object, `${name}/${path}`));
  }
  for (const [prefix, group] of groups) {
    for (const link of linkNames(group)) {
      const path = prefix === '' ? link : `${prefix}/${link}`;
      if (!known.has(path))
        throw file.image.error(`weight "${path}" of layer "${name}"`, 'its name in weight_names', 'none');
    }
  }
  return weights;
}

/** Follows a path of links from the group that `groups` has under ''; groups on the way are remembered. */
async function descend(
  file: Hdf5File,
  groups: Map<string, Hdf5Object>,
  { path, kind }: { readonly path: string; readonly kind: 'layer' | 'weight' },
): Promise<Hdf5Object> {
  const cut = path.lastIndexOf('/');
  const parentPath = path.slice(0, Math.max(cut, 0));
  let parent = groups.get(parentPath);
  if (parent === undefined) {
    parent = await descend(file, groups, { path: parentPath, kind });
    groups.set(parentPath, parent);
  }
  return requireChild(file, parent, path.slice(cut + 1), kind);
}

async function requireChild(file: Hdf5File, parent: Hdf5Object, name: string, kind: string): Promise<Hdf5Object> {
  const child = await openChild(file, parent, name);
  if (child === undefined) throw file.image.error(`${kind} "${name}"`, `a link in "/${parent.path}"`, 'none');
  return child;
}

/** Where the layers lie: the group of all, the groups that slashes in their names make, their names. */
interface LayerPlaces {
  readonly group: Hdf5Object;
  readonly parents: ReadonlyMap<string, Hdf5Object>;
  readonly names: ReadonlySet<string>;
}

/** Notes what lies beside the layers: the optimizer's slots by name, anything else by its link. */
async function skipOthers(
  file: Hdf5File,
  { group, parents, names }: LayerPlaces,
  skipped: Map<string, string>,
): Promise<void> {
  for (const [prefix, parent] of parents) {
    for (const link of linkNames(parent)) {
      const path = prefix === '' ? link : `${prefix}/${link}`;
      if (names.has(path) || parents.has(path)) continue;
      const object = await requireChild(file, parent, link, 'object');
      if (path !== TOP_LEVEL && (await readSplitText(file, object, 'weight_names')) !== undefined) {
        throw file.image.error(`layer "${path}"`, 'its name in layer_names', 'none');
      }
      skipped.set(path, 'not a layer');
    }
  }
  if (group === file.root) return;
  for (const link of linkNames(file.root)) {
    if (link === 'model_weights') continue;
    const reason = link === OPTIMIZER ? 'optimizer' : 'not part of the weights';
    const object = link === OPTIMIZER ? await openChild(file, file.root, link) : undefined;
    const slots = object === undefined ? undefined : await readSplitText(file, object, 'weight_names');
    for (const slot of slots ?? ['']) skipped.set(slot === '' ? link : `${link}/${slot}`, reason);
  }
}

/** Two weights never share bytes; if they seem to, an address is damaged. */
function checkOverlap(file: Hdf5File, tensors: ReadonlyMap<string, CheckpointTensor>): void {
  const ranges = [...tensors.values()].flatMap(({ name, range }) => (range === undefined ? [] : [{ name, ...range }]));
  ranges.sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const { name, offset, length } of ranges) {
    if (length === 0) continue;
    if (offset < end) throw file.image.error(`data of weight "${name}"`, `offset ${end} or later`, `${offset}`);
    end = offset + length;
  }
}
