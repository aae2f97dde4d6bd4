/**
 * Brings a plan's weights and a checkpoint's tensors together by name, before any tensor is read. Nothing is zipped by
 * position and nothing is cut off in silence: what is missing, misshapen or unused comes out as a list of problems, all
 * at once.
 */
import { type FoundShapes, type LayerSpec, type SlotSpec, weightName } from '../onnx-graphs/architecture.ts';
import type { DType } from '../src/core/dtype.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import type { Naming } from './naming/naming.ts';
import { nearestNames } from './nearest-names.ts';

/** A weight of the plan with where its values come from. */
export interface WeightMatch {
  /** `<layer>/<slot>`. */
  readonly weight: string;
  readonly layer: LayerSpec;
  readonly slot: SlotSpec;
  /** Shape of the stored values as the graph takes them (already exchanged where stored transposed). */
  readonly shape: readonly number[];
  readonly source: WeightSource;
}

/** Where values come from: the file, the architecture's own formula, or Keras' initial values (only by permission). */
export type WeightSource =
  | { readonly kind: 'stored'; readonly tensor: CheckpointTensor; readonly transposed: boolean }
  | { readonly kind: 'computed'; readonly compute: (slot: string) => Float32Array }
  | { readonly kind: 'initial' };

/** Something that keeps plan and checkpoint apart. */
export type WeightProblem =
  | {
      readonly kind: 'missing';
      readonly weight: string;
      /** The name looked for; undefined when the naming scheme has none. */
      readonly sought: string | undefined;
      readonly nearest: readonly string[];
    }
  | {
      readonly kind: 'misshapen';
      readonly weight: string;
      readonly name: string;
      readonly dtype: DType;
      readonly expected: readonly number[];
      readonly found: readonly number[];
    }
  | { readonly kind: 'unused'; readonly name: string; readonly shape: readonly number[] };

/** The outcome; `problems` is empty when every weight was found and nothing of the model is left over. */
export interface Reconciliation {
  readonly matches: readonly WeightMatch[];
  readonly problems: readonly WeightProblem[];
  /** Tensors that no weight asked for and that the reference passes over as well: other heads, a training head. */
  readonly extra: readonly string[];
}

/** Element types that weights can be stored in; all become float32. */
const WEIGHT_TYPES: readonly DType[] = ['float32', 'float16', 'bfloat16', 'float64'];

/** Looks every weight of `layers` up in `checkpoint` under `naming`. */
export function reconcile(layers: readonly LayerSpec[], checkpoint: Checkpoint, naming: Naming): Reconciliation {
  const slots = layers.flatMap(layer => layer.slots.map(slot => ({ layer, slot })));
  const found = slots.map(({ layer, slot }) => lookUp(layer, slot, checkpoint, naming));
  const used = new Set(found.flatMap(({ name }) => name ?? []));
  const unused = [...checkpoint.tensors.values()].filter(({ name }) => !used.has(name));
  const ofModel = unused.filter(({ name }) => naming.judge(name) === 'part-of-model');
  return {
    matches: found.map(({ match }) => match),
    problems: [
      ...found.flatMap(({ problem }) => (problem === undefined ? [] : withNearest(problem, unused))),
      ...ofModel.map(({ name, shape }) => ({ kind: 'unused', name, shape }) as const),
    ],
    extra: unused.filter(tensor => !ofModel.includes(tensor)).map(({ name }) => name),
  };
}

/** Shapes of the weights that the checkpoint holds, for `Architecture.adoptShapes`. */
export function foundShapes(matches: readonly WeightMatch[]): FoundShapes {
  const stored = matches.filter(({ source }) => source.kind === 'stored');
  return new Map(stored.map(({ weight, shape }) => [weight, shape]));
}

/** Weights whose shapes differ from a plan in which no axis is free any more. */
export function misshapen(layers: readonly LayerSpec[], matches: readonly WeightMatch[]): WeightProblem[] {
  const expected = new Map(
    layers.flatMap(layer => layer.slots.map(slot => [weightName(layer.name, slot.slot), slot.shape] as const)),
  );
  return matches.flatMap(({ weight, shape, source }) => {
    const planned = expected.get(weight);
    if (source.kind !== 'stored' || planned === undefined || planned.join() === shape.join()) return [];
    const { name, dtype } = source.tensor;
    return [{ kind: 'misshapen', weight, name, dtype, expected: planned, found: shape } as const];
  });
}

interface LookUp {
  readonly name?: string;
  readonly match: WeightMatch;
  readonly problem?: WeightProblem;
}

function lookUp(layer: LayerSpec, slot: SlotSpec, checkpoint: Checkpoint, naming: Naming): LookUp {
  const weight = weightName(layer.name, slot.slot);
  const place = { weight, layer, slot, shape: slot.shape };
  const initial: WeightMatch = { ...place, source: { kind: 'initial' } };
  const stored = naming.locate(layer, slot);
  const tensor = stored && checkpoint.tensors.get(stored.name);
  if (tensor === undefined) {
    const { compute } = layer;
    if (compute !== undefined) return { match: { ...place, source: { kind: 'computed', compute } } };
    return { match: initial, problem: { kind: 'missing', weight, sought: stored?.name, nearest: [] } };
  }
  const transposed = stored?.transposed === true;
  const shape = transposed ? [...tensor.shape].reverse() : tensor.shape;
  if (!fits(slot, shape) || !WEIGHT_TYPES.includes(tensor.dtype)) {
    const { name, dtype } = tensor;
    const problem = { kind: 'misshapen', weight, name, dtype, expected: slot.shape, found: shape } as const;
    return { name: tensor.name, match: initial, problem };
  }
  return { name: tensor.name, match: { ...place, shape, source: { kind: 'stored', tensor, transposed } } };
}

function fits(slot: SlotSpec, shape: readonly number[]): boolean {
  if (shape.length !== slot.shape.length) return false;
  return shape.every((size, axis) => size === slot.shape[axis] || (axis === slot.freeAxis && size > 0));
}

function withNearest(problem: WeightProblem, unused: readonly CheckpointTensor[]): WeightProblem {
  if (problem.kind !== 'missing' || problem.sought === undefined) return problem;
  const names = unused.map(({ name }) => name);
  return { ...problem, nearest: nearestNames(problem.sought, names) };
}
