/**
 * The names of Google's published TensorFlow checkpoints and their kin, which bert4keras reads through each model's
 * `variable_mapping`. An architecture gives a table: Keras layer → slot → name. `{i}` in a layer name is its number; in
 * the stored name `{i}` writes it as it is and `{i:2}` with leading zeros to two digits.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/bert4keras/models.py
 */
import type { LayerSpec, SlotSpec } from '../../onnx-graphs/architecture.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Naming, StoredName } from './naming.ts';

/** Slot of a layer → stored name, or where it is stored otherwise than as is. */
export type SlotNames = Readonly<Record<string, string | StoredName>>;

/** What an architecture says about published checkpoints. */
export interface GoogleNames {
  /** Keras layer name, `{i}` for its number → slots. */
  readonly layers: Readonly<Record<string, SlotNames>>;
  /** Tensors that a checkpoint of this architecture never has: it is of another one. */
  readonly foreign?: readonly string[];
}

/** Where a stored name has the layer's number. */
const NUMBER = /\{i(?::(\d))?\}/g;

/** A normalisation layer: beta and gamma under `scope`. */
export function norm(scope: string): SlotNames {
  return { beta: `${scope}/beta`, gamma: `${scope}/gamma` };
}

/** A dense layer: kernel and bias under `scope`. */
export function dense(scope: string): SlotNames {
  return { kernel: `${scope}/kernel`, bias: `${scope}/bias` };
}

/** An inner dense layer: its slots start with `part`, its names with `scope`. */
export function part(part: string, scope: string): SlotNames {
  return { [`${part}/kernel`]: `${scope}/kernel`, [`${part}/bias`]: `${scope}/bias` };
}

/** A matrix stored with its axes exchanged. */
export function transposed(name: string): StoredName {
  return { name, transposed: true };
}

/**
 * The Google scheme over an architecture's table, or undefined when the checkpoint has none of its names. Blocks below
 * `leftOut` that the plan doesn't read are not wanted; those from there on are a surprise.
 */
export function googleNaming(names: GoogleNames, checkpoint: Checkpoint, leftOut = 0): Naming | undefined {
  const patterns = Object.values(names.layers)
    .flatMap(slots => Object.values(slots))
    .map(stored => new RegExp(`^${storedName(stored).name.replace(NUMBER, '(\\d+)')}$`));
  const known = [...checkpoint.tensors.keys()].some(name => patterns.some(pattern => pattern.test(name)));
  if (!known) return undefined;
  const blockOf = (name: string): number | undefined => {
    const digits = patterns.map(pattern => pattern.exec(name)?.[1]).find(number => number !== undefined);
    return digits === undefined ? undefined : Number(digits);
  };
  return {
    scheme: 'google',
    label: 'names of published TensorFlow checkpoints',
    final: false,
    locate: (layer, slot) => publishedName(names, layer, slot),
    judge: name => {
      const block = blockOf(name);
      const unexpected = block !== undefined && block >= leftOut;
      return unexpected || names.foreign?.includes(name) === true ? 'part-of-model' : 'extra';
    },
  };
}

/** The name of a weight in published checkpoints; undefined when there is none. */
export function publishedName(names: GoogleNames, layer: LayerSpec, slot: SlotSpec): StoredName | undefined {
  const number = /(?<=-)\d+(?=-)/.exec(layer.name)?.[0];
  const pattern = number === undefined ? layer.name : layer.name.replace(`-${number}-`, '-{i}-');
  const found = names.layers[layer.name]?.[slot.slot] ?? names.layers[pattern]?.[slot.slot];
  if (found === undefined) return undefined;
  const stored = storedName(found);
  return {
    ...stored,
    name: stored.name.replace(NUMBER, (_, digits) => (number ?? '').padStart(Number(digits ?? 1), '0')),
  };
}

function storedName(stored: string | StoredName): StoredName {
  return typeof stored === 'string' ? { name: stored } : stored;
}
