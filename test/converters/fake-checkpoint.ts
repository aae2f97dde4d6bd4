/**
 * Checkpoints made up in memory from names and shapes, in any of the naming schemes, for tests of naming and reconciling.
 */
import type { Checkpoint, CheckpointLayer, CheckpointTensor } from '../../converters/checkpoint.ts';
import { publishedName } from '../../converters/naming/google.ts';
import { publishedNames } from '../../converters/naming/index.ts';
import type { JsonObject, LayerSpec } from '../../onnx-graphs/architecture.ts';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import type { DType } from '../../src/core/dtype.ts';

/** A configuration small enough to read; every size is different from every other. */
export const TINY: JsonObject = {
  hidden_size: 8,
  embedding_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 11,
  hidden_act: 'gelu',
  vocab_size: 20,
  max_position_embeddings: 13,
  type_vocab_size: 3,
};

/** Name, shape and, where it is not float32, type of a tensor. */
export interface FakeTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype?: DType;
}

/** A checkpoint that holds `tensors`; reading one gives its place in the list in every element. */
export function fakeCheckpoint(tensors: readonly FakeTensor[], layers?: readonly CheckpointLayer[]): Checkpoint {
  const entries = tensors.map(({ name, shape, dtype = 'float32' }, i): [string, CheckpointTensor] => {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(i);
    return [name, { name, shape, dtype, read: async () => new Uint8Array(values.buffer) }];
  });
  return {
    format: 'fake',
    name: 'model.ckpt',
    files: [],
    tensors: new Map(entries),
    ...(layers === undefined ? {} : { layers }),
    skipped: new Map(),
    about: {},
    close: async () => undefined,
  };
}

/** Layers of a model over {@link TINY}. */
export function tinyLayers(model: string, keywords: JsonObject = {}): readonly LayerSpec[] {
  const architecture = architectures[model];
  if (architecture === undefined) throw new Error(`no ${model}`);
  return architecture.layers(architecture.parseConfig(TINY, { model, ...keywords }));
}

/** What a published checkpoint of a model would hold. */
export function publishedTensors(model: string, keywords: JsonObject = {}): readonly FakeTensor[] {
  const names = publishedNames[model];
  if (names === undefined) throw new Error(`no published names of ${model}`);
  return tinyLayers(model, keywords).flatMap(layer =>
    layer.slots.flatMap(slot => {
      const stored = publishedName(names, layer, slot);
      if (stored === undefined) return [];
      return [{ name: stored.name, shape: stored.transposed === true ? [...slot.shape].reverse() : slot.shape }];
    }),
  );
}

/** How {@link kerasFile} writes. */
export interface KerasOptions {
  /** Number of the first inner Dense of the process. */
  readonly firstDense?: number;
  readonly prefix?: string;
  /** The layers are those of a nested model of this name. */
  readonly group?: string;
  /** Layers around the transformer, with the shapes of a kernel. */
  readonly heads?: Readonly<Record<string, readonly number[]>>;
}

/** A Keras file of a model: inner Dense layers carry the counters of a process. */
export function kerasFile(model: string, keywords: JsonObject = {}, options: KerasOptions = {}): Checkpoint {
  const { firstDense = 1, prefix = '', group, heads = {} } = options;
  const tensors: FakeTensor[] = [];
  const groups = new Map<string, string[]>();
  const add = (layer: string, path: string, shape: readonly number[]): void => {
    const name = `${group ?? layer}/${path}`;
    tensors.push({ name, shape });
    groups.set(group ?? layer, [...(groups.get(group ?? layer) ?? []), name]);
  };
  let counter = firstDense - 1;
  for (const { name, slots } of tinyLayers(model, keywords)) {
    let part = '';
    for (const { slot, shape } of slots) {
      const [inner = '', leaf] = slot.split('/');
      if (leaf !== undefined && inner !== part) counter++;
      part = inner;
      const own = prefix + name;
      add(own, leaf === undefined ? `${own}/${inner}:0` : `${own}/dense_${counter}/${leaf}:0`, shape);
    }
  }
  for (const [layer, shape] of Object.entries(heads)) {
    tensors.push({ name: `${layer}/${layer}/kernel:0`, shape });
    groups.set(layer, [`${layer}/${layer}/kernel:0`]);
  }
  const layers = [...groups].map(([name, tensors]) => ({ name, tensors }));
  return fakeCheckpoint(tensors, [{ name: 'Input-Token', tensors: [] }, ...layers]);
}

/** Attributes of bert4keras' layers under which tf.keras tracks their inner Dense layers. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  query: 'q_dense',
  key: 'k_dense',
  value: 'v_dense',
  output: 'o_dense',
  intermediate: 'i0_dense',
  'gate-1': 'i1_dense',
};

/** The tensors of a tf.keras object graph, below `container`. */
export function objectGraphTensors(model: string, keywords: JsonObject = {}, container = ''): readonly FakeTensor[] {
  return tinyLayers(model, keywords).flatMap(({ slots }, place) =>
    slots.map(({ slot, shape }) => {
      const path = slot.replace(/^[^/]+(?=\/)/, part => ATTRIBUTES[part] ?? part);
      return { name: `${container}layer_with_weights-${place}/${path}/.ATTRIBUTES/VARIABLE_VALUE`, shape };
    }),
  );
}

/** The same tensors with the names that variables have in a program: inner Dense layers carry its counters. */
export function objectGraphNames(
  model: string,
  keywords: JsonObject = {},
  { container = '', prefix = '', places = (place: number) => place } = {},
): ReadonlyMap<string, string> {
  const names = tinyLayers(model, keywords).flatMap(({ name, slots }, place) =>
    slots.map(({ slot }, i): [string, string] => {
      const path = slot.replace(/^[^/]+(?=\/)/, part => ATTRIBUTES[part] ?? part);
      const variable = slot.replace(/^[^/]+(?=\/)/, `dense_${7 * place + (i - (i % 2))}`);
      const key = `${container}layer_with_weights-${places(place)}/${path}/.ATTRIBUTES/VARIABLE_VALUE`;
      return [key, `${prefix}${name}/${variable}`];
    }),
  );
  return new Map(names);
}
